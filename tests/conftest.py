"""Fixtures: small models made on the spot, small pictures, and galleries built from them once a session."""

import functools
import io
import json
import os
import shutil
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import numpy as np
import pytest
from PIL import Image
from websites import HOSTILE

from generator.build import build
from generator.core.settings import Settings
from generator.core.settings_file import load_settings

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_sessionfinish(session):
    """In CI all that is not optional is installed, so a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", ()) if reporter else ()
    needed = [report for report in skipped if "optional: " not in str(report.longrepr)]
    if os.environ.get("CI") and needed and not session.exitstatus:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """Say how much hostile input was tried, and what became of it."""
    counts = Counter()
    for report in terminalreporter.stats.get("", ()):  # of set-up and of what comes after a test
        for name, value in getattr(report, "user_properties", ()):
            if name == "hostile" and report.when == "teardown":
                category, outcome, number = value
                counts[category, outcome] += number
    if counts:
        terminalreporter.section(f"hostile input: {sum(counts.values()):,} cases")
    for (category, outcome), number in sorted(counts.items()):
        terminalreporter.write_line(f"{number:7,}  {category}: {outcome}")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without telling."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine for as long as the context lasts; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Gallery:
    """A built website with its manifest."""

    site: Path
    sources: Path
    manifest: dict

    def picture(self, path: str) -> np.ndarray:
        """Decode a picture of the site as RGB, (height, width, 3)."""
        return np.asarray(open_picture(self.site / path).convert("RGB"))

    def pages(self) -> list[str]:
        """Return every page's path below the site, without its ending."""
        found = self.site.rglob("*.html")
        return sorted(path.relative_to(self.site).with_suffix("").as_posix() for path in found)


def restore_signals() -> None:
    """Let a new process be stopped by signals, even where this one ignores them, as under nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def open_picture(path: Path) -> Image.Image:
    """Open a picture without keeping its file open."""
    return Image.open(io.BytesIO(path.read_bytes()))


def open_gallery(settings: Settings) -> Gallery:
    """Read a built gallery back from disk."""
    manifest = json.loads((settings.output / "gallery/manifest.json").read_text(encoding="utf-8"))
    return Gallery(settings.output, settings.output.with_name(f"{settings.output.name}_src"), manifest)


def save_picture(path: Path, height: int = 30, width: int = 44, seed: int = 0) -> Path:
    """Write smooth colourful blobs, so that maps have something to respond to."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


def save_model(model, path: Path) -> Path:
    """Save a model in the format of its ending; HDF5 is old-fashioned, and meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)
    return path


def small_cnn(keras, name: str = "small"):
    """Return a CNN with most kinds of layers, not square, with channel counts that fill no grid."""
    layers = keras.layers
    keras.utils.set_random_seed(7)
    inputs = keras.Input((40, 56, 3))
    x = layers.Conv2D(20, 3, name="first_conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    x = layers.Activation("linear", name="nothing")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    left = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="looks_like_dense")(x)
    right = layers.SeparableConv2D(7, 3, padding="same", name="flatten_it")(x)
    x = layers.Concatenate(name="join")([left, right])
    x = layers.UpSampling2D(name="up")(x)
    x = layers.Conv2DTranspose(3, 3, strides=2, name="turned")(x)
    x = layers.AveragePooling2D(6, name="average")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    x = layers.Flatten(name="conv_by_name_only")(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="out")(x), name=name)


@pytest.fixture(scope="session")
def keras():
    """Import keras, which takes seconds, for the tests that need it."""
    return pytest.importorskip("keras")


@pytest.fixture(scope="session")
def small_model(keras, tmp_path_factory) -> Path:
    """Save the small CNN with labels beside it."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "small.labels.txt").write_text("ant\nbee\ncow\n", encoding="utf-8")
    return save_model(small_cnn(keras), folder / "small.keras")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """Make a folder of three pictures, one with a space and a capital ending."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, name in enumerate(("one.png", "two words.JPG", "ten10.webp")):
        save_picture(folder / name, seed=number)
    return folder


@pytest.fixture(scope="session")
def gallery(small_model, pictures, tmp_path_factory) -> Gallery:
    """Build the small gallery once, all the way to the website."""
    settings = Settings(small_model, pictures, tmp_path_factory.mktemp("built") / "site")
    build(settings)
    return open_gallery(settings)


@pytest.fixture(scope="session")
def chromium():
    """Start the system's Chromium; where there is none, skip, or fail where CI says that one must be."""
    if CHROMIUM is None:
        message = "no Chromium on this machine: install chromium to run the browser tests"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def is_outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "about:"))


def went_wrong(request) -> bool:
    """Whether a request failed by itself; one that the next page cut short did not."""
    return request.failure != "net::ERR_ABORTED"


@pytest.fixture
def visit(chromium, request):
    """Open pages from the disk; afterwards nothing may have gone wrong or been asked of another host."""
    options = {"viewport": {"width": 1280, "height": 900}} | getattr(request, "param", {})
    context = chromium.new_context(**options)
    complaints = []

    def open_page(gallery: Gallery, path: str, fragment: str = ""):
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("requestfailed", lambda asked: complaints.append(asked.url) if went_wrong(asked) else None)
        page.on("request", lambda asked: complaints.append(asked.url) if is_outside(asked.url) else None)
        page.goto((gallery.site / f"{path}.html").as_uri() + fragment)
        page.wait_for_load_state("load")
        return page

    yield open_page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def firefox_window():
    """Start Firefox once, where it is installed."""
    firefox = pytest.importorskip("firefox", reason="optional: websockets is not installed")
    if firefox.FIREFOX is None:
        pytest.skip("optional: no Firefox on this machine: install firefox-esr")
    with firefox.Firefox() as window:
        window.resize(1280, 900)
        yield window


@pytest.fixture
def window(firefox_window):
    """Lend Firefox's window; afterwards nothing may have gone wrong or been asked of another machine."""
    firefox_window.requests.clear()
    yield firefox_window
    firefox_window.evaluate("true")  # what happened meanwhile is told before the answer
    asked = [url for url in firefox_window.requests if is_outside(url) and "://127.0.0.1:" not in url]
    complaints = [*firefox_window.complaints, *asked]
    firefox_window.complaints.clear()
    firefox_window.open("about:blank")
    assert complaints == []


@pytest.fixture
def project(tmp_path):
    """A model file that only looks like one, and two pictures."""
    with h5py.File(tmp_path / "fake.h5", "w") as file:
        file.attrs["model_config"] = "{}"
        file.create_group("model_weights")
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("a.png", "b.png")):
        save_picture(tmp_path / "in" / name, seed=number)
    return Settings(tmp_path / "fake.h5", tmp_path / "in", tmp_path / "out", site=False)


@pytest.fixture(scope="session")
def hostile_gallery(keras, tmp_path_factory) -> Gallery:
    """A gallery of a model, labels and files whose names all try to become something else."""
    folder = tmp_path_factory.mktemp("hostile <b>'x'")
    inputs = x = keras.Input((24, 24, 3))
    for name in HOSTILE:
        x = keras.layers.Conv2D(3, 3, name=name)(x)
    outputs = keras.layers.Dense(2, activation="softmax", name="out")(keras.layers.Flatten()(x))
    model = save_model(keras.Model(inputs, outputs, name="<b>model<b>"), folder / "m <i>'x'.keras")
    (folder / "in").mkdir()
    names = [
        "<script>alert(6)<script>.png",
        "q'\"uote.png",
        "new\nline.png",
        "--- x: y.png",
        "[a](b).png",
        "日本語.png",
        "index.png",
        "x..up.png",
        "{{7*7}}.png",
        "`x`.png",
        "e" * 200 + ".png",
        "E.PNG",
        "e.png",
    ]
    for name in names:
        save_picture(folder / "in" / name)
    (folder / "in" / "<img src=x onerror=alert(7)>.png").write_bytes(b"no picture")
    labels = ("<script>alert(8)</script>", "\"'><img src=x onerror=alert(9)>")
    settings = Settings(model, folder / "in", folder / "out" / "site", labels=labels)
    build(settings)
    return open_gallery(settings)


@pytest.fixture(scope="session")
def default_settings(tmp_path_factory) -> Settings:
    """The default settings, but for the project, whose own sources stay as they are."""
    output = tmp_path_factory.mktemp("default") / "site"
    return replace(load_settings(ROOT / "gallery.toml", ROOT, {}), project=None, output=output)


@pytest.fixture(scope="session")
def default_gallery(keras, default_settings) -> Gallery:  # noqa: ARG001
    """The whole default gallery, built once for all that need it."""
    build(default_settings)
    return open_gallery(default_settings)
