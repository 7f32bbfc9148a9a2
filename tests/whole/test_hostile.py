"""Hostile input: damaged pictures and models, absurd sizes, bombs, and names that mean something elsewhere.

Everything ends in a gallery or in one clean line. What is tried is the same in every run, and is counted at
its end. With HOSTILE=20 in the environment twenty times as much is tried, chosen anew each time:
`HOSTILE=20 make test OPTIONS=tests/test_hostile.py`.
"""

import html
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import h5py
import hostile
import markdown
import numpy as np
import pytest
import yaml
from conftest import ROOT, save_picture
from fakes import FakeExtractor, fake_models, small_project
from hostile import SECONDS, check_line, limited
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generator import images
from generator.build import build
from generator.core.errors import GalleryError, ImageError, WebsiteError
from generator.core.facts import FedConstant, Notice, Shown
from generator.core.formatting import one_line
from generator.core.records import LayerInfo, ModelInput
from generator.core.settings import Settings
from generator.images import LARGEST, Preparation
from generator.model.keras.file_kind import sniff

EFFORT = int(os.environ.get("HOSTILE", "1"))
NODE = shutil.which("node")
WRITTEN = "written-by-a-model.txt"  # which no model may


def tries(number: int) -> settings:
    """Try so many examples, the same ones in every run unless there is time for more."""
    return settings(
        max_examples=number * EFFORT,
        derandomize=EFFORT == 1,
        phases=(Phase.explicit, Phase.generate),  # to find what is smaller takes minutes
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def tally(record_property) -> Iterator[Callable[[str, str], None]]:
    """Count what was tried, by category and outcome, for the table at the end of the run."""
    counts: Counter[tuple[str, str]] = Counter()

    def add(category: str, outcome: str) -> None:
        counts[category, outcome] += 1

    yield add
    for (category, outcome), number in sorted(counts.items()):
        record_property("hostile", [category, outcome, number])


def check_decoded(path: Path) -> str:
    """Decode and prepare a picture; say what became of it."""
    with limited():
        try:
            found = images.decode(images.read(path))
        except ImageError as error:
            check_line(str(error), path.parent)
            return "one line"
        assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3
        assert 0 < found.shape[0] * found.shape[1] <= LARGEST
        for shape in ((8, 8, 3), (None, None, 1), (None, 6, 3)):
            prepared = Preparation("0..1").apply(found, shape)
            assert np.isfinite(prepared.values).all() and max(prepared.values.shape) <= 512
    return "shown"


def test_damaged_pictures_are_shown_or_refused_in_one_line(tmp_path, tally):
    samples = hostile.sample_pictures()
    for content in samples.values():
        (tmp_path / "sample").write_bytes(content)
        assert check_decoded(tmp_path / "sample") == "shown"

    @tries(250)
    @given(st.data())
    def attempt(data):
        name = data.draw(st.sampled_from(sorted(samples)))
        (tmp_path / "damaged").write_bytes(data.draw(hostile.damages(samples[name])))
        tally(f"damaged {name.split()[0]}", check_decoded(tmp_path / "damaged"))

    attempt()


@pytest.mark.parametrize("ending", list(images.FORMATS))
def test_any_bytes_are_refused_in_one_line(tmp_path, tally, ending):
    @tries(15)
    @given(st.binary(max_size=200))
    def attempt(content):
        (tmp_path / f"any{ending}").write_bytes(content)
        tally("any bytes as a picture", check_decoded(tmp_path / f"any{ending}"))

    attempt()


@pytest.mark.parametrize("name", hostile.extreme_pictures())
def test_extreme_pictures_are_shown_or_refused_within_limits(tmp_path, tally, name):
    make, shown = hostile.extreme_pictures()[name]
    (tmp_path / name).write_bytes(make())
    outcome = check_decoded(tmp_path / name)
    assert shown is None or outcome == ("shown" if shown else "one line")
    tally("extreme pictures", outcome)


class Opener:
    """Opens model files in another process, so that a crash or a hang is that one's."""

    def __init__(self, folder: Path):
        self.folder, self.process = folder, None

    def open(self, path: Path) -> tuple[str, str]:
        """Return what became of a file, "opened", "refused" or "wrong", and the message."""
        if self.process is None:
            command = [sys.executable, str(ROOT / "tests/hostile.py"), str(self.folder)]
            quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet
            )
            assert self._line(300) == "ready"
        self.process.stdin.write(f"{json.dumps(str(path))}\n".encode())
        self.process.stdin.flush()
        answer = self._line(2 * SECONDS)
        if answer:
            return tuple(json.loads(answer))
        self.close()
        return "wrong", "the process hung or crashed"

    def _line(self, seconds: float) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline().decode().strip() if ready else ""

    def close(self) -> None:
        """End the process."""
        if self.process:
            self.process.kill()
            self.process.communicate()
        self.process = None


@pytest.fixture(scope="module")
def opener(tmp_path_factory) -> Iterator[Opener]:
    """Start what opens models, which takes as long as importing TensorFlow."""
    found = Opener(tmp_path_factory.mktemp("models"))
    (found.folder / "none.h5").write_bytes(b"")
    assert found.open(found.folder / "none.h5")[0] == "refused"
    yield found
    found.close()


@pytest.fixture(scope="module")
def models(opener) -> dict[str, bytes]:
    """Return small model files of every kind, which can be opened."""
    found = {path.name: path.read_bytes() for path in opener.folder.glob("*.*") if path.stat().st_size}
    for name in found:
        assert opener.open(opener.folder / name) == ("opened", "")
    return found


def check_model(opener: Opener, name: str, content: bytes) -> str:
    """Open a model file; say what became of it."""
    path = opener.folder / name
    path.write_bytes(content)
    outcome, message = opener.open(path)
    assert outcome != "wrong", message
    if outcome == "refused":
        check_line(message, opener.folder)
    assert not any((folder / WRITTEN).exists() for folder in (opener.folder, Path(tempfile.gettempdir())))
    return "one line" if outcome == "refused" else outcome


def test_damaged_models_are_opened_or_refused_in_one_line(opener, models, tally):
    @tries(90)
    @given(st.data())
    def attempt(data):
        kind, content = data.draw(hostile.damaged_models(models))
        tally(f"model: damaged {kind}", check_model(opener, "damaged.model", content))

    attempt()


def test_damaged_models_are_recognised_in_one_line(tmp_path, models, tally):
    """This needs no Keras, so that much can be tried."""
    path = tmp_path / "damaged.model"

    @tries(250)
    @given(st.data())
    def attempt(data):
        content = data.draw(hostile.damages(models[data.draw(st.sampled_from(sorted(models)))]))
        path.write_bytes(content)
        with limited():
            try:
                tally("model: damaged start", f"taken for {sniff(path).name}")
            except GalleryError as error:
                check_line(str(error), tmp_path)
                tally("model: damaged start", "one line")

    attempt()


def absurd(model: dict, **changes) -> dict:
    """Return a configuration with other arguments for the layers of a class."""
    found = json.loads(json.dumps(model))
    for layer in found["config"]["layers"]:
        layer["config"].update(changes.get(layer["class_name"], {}))
    return found


def nested(depth: int) -> str:
    return '{"class_name": "Functional", "config": ' * depth + "{}" + "}" * depth


@pytest.fixture(scope="module")
def traps(models, opener) -> dict[str, bytes]:
    """Make model files that reach for memory, for time or for other files."""
    h5, zipped = models["functional.h5"], models["functional.keras"]
    config = hostile.config_of(zipped)
    parts = hostile.parts_of(zipped)
    (opener.folder / "fifo").unlink(missing_ok=True)
    os.mkfifo(opener.folder / "fifo")
    found = {
        "units": absurd(config, Dense={"units": 10**12}),
        "units of gigabytes": absurd(config, Dense={"units": 60_000_000}),
        "filters": absurd(config, Conv2D={"filters": 100_000_000}),
        "kernel": absurd(config, Conv2D={"kernel_size": [9000, 9000], "padding": "same"}),
        "input": absurd(config, InputLayer={"batch_shape": [None, 2**20, 2**20, 3]}),
        "batch": absurd(config, InputLayer={"batch_shape": [2**30, 8, 8, 3]}),
    }
    grown = json.loads(json.dumps(config))
    layers = {each["name"]: each for each in grown["config"]["layers"]}
    layers["pool"]["class_name"], layers["pool"]["config"] = (
        "UpSampling2D",
        {"name": "pool", "size": [30_000, 30_000]},
    )
    layers["flat"]["class_name"], layers["flat"]["config"] = "GlobalMaxPooling2D", {"name": "flat"}
    layers["out"]["config"]["units"] = 2
    found["map of terabytes"] = grown
    traps = {name: hostile.with_config(zipped, each) for name, each in found.items()}
    traps |= {f"{name}, HDF5": hostile.with_config(h5, each) for name, each in found.items()}
    zeros = bytes(300_000_000)
    traps["bomb of a configuration"] = hostile.packed(parts | {"config.json": b" " * 70_000_000})
    traps["bomb of metadata"] = hostile.packed(parts | {"metadata.json": b" " * 70_000_000})
    traps["bomb of weights"] = hostile.packed(
        parts | {"model.weights.h5": parts["model.weights.h5"] + zeros * 3}
    )
    traps["climbing names"] = hostile.packed(
        parts | {f"../{WRITTEN}": b"x", str(opener.folder / WRITTEN): b"x"}
    )
    traps["nested JSON"] = hostile.packed(parts | {"config.json": b"[" * 200_000})
    traps["nested models"] = hostile.packed(parts | {"config.json": nested(5000).encode()})
    traps["digits"] = hostile.packed(parts | {"config.json": b'{"class_name": ' + b"9" * 100_000 + b"}"})
    return traps | _zip_traps(parts) | _hdf5_traps(h5, opener.folder)


def _zip_traps(parts: dict[str, bytes]) -> dict[str, bytes]:
    """Make archives of many members, and of members that share their bytes."""
    zeros = {f"assets/{number}": bytes(2_000_000) for number in range(200)}
    good = hostile.packed(parts)
    padded = hostile.packed(parts | {"padding": b"0"})
    return {
        "many empty members": hostile.packed(parts | {f"{number}": b"" for number in range(200_000)}),
        "many members": hostile.packed(parts | {f"{number}": b"" for number in range(11_000)}),
        "many bombs": hostile.packed(parts | zeros),
        "members that overlap": hostile.overlapping(padded, "padding", 9_000),
        "the same member twice": hostile.overlapping(padded, "padding", 2),
        "10,000 members of 200 MB": hostile.overlapping(
            hostile.packed(parts | {"padding": bytes(200_000_000)}), "padding", 10_000
        ),
        "a long directory in few words": hostile.with_directory_size(good, 1 << 31),
    }


def nest(file: h5py.File) -> None:
    group = file.create_group("deep")
    for _ in range(20_000):
        group = group.create_group("a")
    group["back"] = file["/"]


def link_often(file: h5py.File) -> None:
    group, target = file.create_group("model_weights/often"), file.create_group("model_weights/target")
    for number in range(250_000):
        h5py.h5o.link(group.id, target.id, f"{number}".encode())


def name_the_same(file: h5py.File) -> None:
    group = file["model_weights"]
    group["conv"].attrs["weight_names"] = np.array([b"x"] * 3000)
    for number in range(300):
        group[f"conv{number}"] = group["conv"]
    group.attrs["layer_names"] = np.array([f"conv{number}".encode() for number in range(300)])


def name_deep(file: h5py.File) -> None:
    group = file["model_weights/conv"]
    group["loop"] = group
    names = [b"loop/" * 2000 + b"x"] * 6
    for number in range(200):
        group.attrs[f"weight_names{number}"] = np.array(names)
    del group.attrs["weight_names"]


def circle(file: h5py.File) -> None:
    for name in "abc":
        file[f"model_weights/{name}"] = file["model_weights"]
    file["model_weights/conv/up"] = file["/"]


def _hdf5_traps(content: bytes, folder: Path) -> dict[str, bytes]:
    kernel = "model_weights/conv/functional/conv/kernel"
    with h5py.File(hostile.io.BytesIO(content)) as file:
        found = []
        file.visit(found.append)
        kernel = next(each for each in found if each.endswith("kernel"))

    def change(make: Callable[[h5py.File], None]) -> bytes:
        def replace_kernel(file: h5py.File) -> None:
            del file[kernel]
            make(file)

        return hostile.changed_hdf5(content, replace_kernel)

    def declare(file: h5py.File, shape: tuple[int, ...]) -> None:
        file.create_dataset(kernel, shape, "f4", chunks=(1 << 10,) * len(shape), compression="gzip")

    def stay_outside(file: h5py.File) -> None:
        file.create_dataset(kernel, (3, 3, 3, 2), "f4", external=[("/etc/passwd", 0, 216)])

    def be_virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((3, 3, 3, 2), "f4")
        layout[:] = h5py.VirtualSource(folder / "functional.h5", kernel, (3, 3, 3, 2))
        file.create_virtual_dataset(kernel, layout)

    def loop(file: h5py.File) -> None:
        file[kernel] = h5py.SoftLink(f"/{kernel}")

    def name_many(file: h5py.File) -> None:
        file["model_weights"].attrs["layer_names"] = np.array([b"conv"] * 4000)

    elsewhere = h5py.ExternalLink(folder / "functional.h5", kernel)
    fifo = h5py.ExternalLink(folder / "fifo", "x")
    return {
        "shape of terabytes": change(lambda file: declare(file, (1 << 20, 1 << 20))),
        "shape of gigabytes": change(lambda file: declare(file, (60_000, 40_000))),
        "data outside": change(stay_outside),
        "virtual data": change(be_virtual),
        "link in a circle": change(loop),
        "link to another file": change(lambda file: file.__setitem__(kernel, elsewhere)),
        "link to a pipe": change(lambda file: file.__setitem__(kernel, fifo)),
        "pipe at the top": change(lambda file: file.__setitem__("pipe", fifo)),
        "the same layer many times": change(name_many),
        "deep groups": change(nest),
        "many links to one group": change(link_often),
        "many names for one group": change(name_the_same),
        "long names": change(name_deep),
        "groups in a circle": change(circle),
        "group for data": change(lambda file: file.create_group(kernel)),
        "text for numbers": change(lambda file: file.__setitem__(kernel, "numbers")),
    }


def test_groups_in_circles_and_in_depth_do_no_harm(opener, models, tally):
    """Around a model that is whole: what is there beside the weights is looked at, and no more."""

    def around(file: h5py.File) -> None:
        nest(file)
        file["model_weights/up"] = file["/"]

    start = time.monotonic()
    assert (
        check_model(opener, "trap.model", hostile.changed_hdf5(models["functional.h5"], around)) == "opened"
    )
    assert time.monotonic() - start < SECONDS
    tally("model: traps", "opened")


def test_traps_are_left_alone_in_one_line(opener, traps, tally):
    """Of a model with too many units the rest is drawn, and what is not asked for is not unpacked."""
    drawn = {"climbing names", "units", "units, HDF5", "units of gigabytes", "units of gigabytes, HDF5"}
    for name, content in traps.items():
        start = time.monotonic()
        outcome = check_model(opener, "trap.model", content)
        assert outcome == ("opened" if name in drawn else "one line"), name
        assert time.monotonic() - start < SECONDS, name
        tally("model: traps", outcome)


class NamedExtractor(FakeExtractor):
    """Has the names that it is told: of model, file, layers, kinds, activation, reason, input and so on."""

    WORDS = 12

    def __init__(self, words: list[str]):
        super().__init__(channels=3, side=6)
        self.words = words

    def describe(self):
        known, words = super().describe(), self.words
        conv, drop, act = known.layers
        notice = Notice(shown=Shown.SLICE, number=2, total=3)
        conv = replace(conv, name=words[0], kind=words[1], activation=f"a{words[2]}", notice=notice)
        act = replace(act, name=words[4], kind=words[5])
        gone = LayerInfo(
            index=4,
            name=words[6],
            kind=words[7],
            family="other",
            shape=(),
            parameters=0,
            missing=f"m{words[8]}",
        )
        fed = FedConstant(number=f"f{words[9]}")
        inputs = (*(ModelInput(f"i{words[9]}", (6, 6, 3), fed) for _ in range(2)),)
        return replace(
            known, file=f"{words[10]}.h5", name=words[11], layers=(conv, drop, act, gone), inputs=inputs,
            repairs=(words[8],), versions={words[9]: words[10]},
        )  # fmt: skip

    def lacks_gradients(self) -> str:
        return f"n{self.words[3]}"


class Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and what may run or load."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple] = []
        self.odd: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, *(name for name, _ in attributes)))
        for name, value in attributes:
            if value == "https://arxiv.org/abs/1610.02391":  # Grad-CAM's
                continue
            if name in ("href", "src") and not re.fullmatch(r"[a-z0-9./_-]*(#[\w-]*)?", value):
                self.odd.append(value)
            elif name.startswith("on") or (name == "style" and not re.fullmatch(r"[\w\s#%.,:;()-]*", value)):
                self.odd.append(f"{name}={value}")
            elif name == "data-explore":
                json.loads(value)

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}",))

    def handle_comment(self, data):
        self.odd.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check_sources(folder: Path) -> Counter:
    """Hold that all sources are what they are meant to be; return the skeletons of the pages."""
    converter = markdown.Markdown(extensions=["toc", "tables", "fenced_code"])  # MkDocs' own
    skeletons: Counter = Counter()
    for path in sorted(folder.rglob("*.md")):
        text = path.read_bytes().decode("utf-8")
        start, matter, body = re.fullmatch(r"(---\n)(.*?\n)---\n\n(.*)\n", text, re.DOTALL).groups()
        front = yaml.safe_load(matter)
        image = front.pop("image", "gallery/card.jpg")
        assert re.fullmatch(r"gallery/(images/[\w-]+/)?card\.jpg", image), path
        assert start and list(front) == ["title", "description", "hide", "search", "generated_by"], path
        for key in ("title", "description"):
            plain = html.unescape(front[key])
            assert plain == one_line(plain) and front[key] == html.escape(plain), path
        assert front["hide"] == ["navigation", "toc"] and front["generated_by"] == "activation-gallery"
        assert body.startswith('<div class="ag') and body.endswith("</div>") and "\n\n" not in body, path
        assert converter.reset().convert(body) == body, f"{path} has Markdown in it"
        page = Skeleton(body)
        assert page.odd == [], path
        skeletons[tuple(page.elements)] += 1
    return skeletons


def check_scripts(folder: Path) -> None:
    """Hold that all scripts are one call with plain data, and that Node can read them."""
    scripts = sorted(folder.rglob("gallery/**/*.js"))
    for path in scripts:
        assert re.fullmatch(r"agData\((.*)\);\n", path.read_text(encoding="utf-8"), re.DOTALL), path
        json.loads(path.read_text(encoding="utf-8")[7:-3])
    if NODE:
        code = (
            "for (const path of JSON.parse(fs.readFileSync(0))) new vm.Script(fs.readFileSync(path, 'utf8'))"
        )
        subprocess.run(
            [NODE, "-e", code], input=json.dumps(list(map(str, scripts))).encode(), check=True, timeout=60
        )


def build_named(names: list[str], words: list[str], labels: tuple[str, ...], site: bool = False) -> Path:
    """Build a gallery in a new folder; hold that nothing else was written, and return the folder."""
    folder = Path(tempfile.mkdtemp(prefix="hostile"))
    (folder / "in").mkdir()
    (folder / "in" / "000 broken.png").write_bytes(b"broken")
    for number, name in enumerate(names):
        save_picture(folder / "in" / "picture.png", 12, 9, seed=number).rename(folder / "in" / name)
    (folder / "fake.h5").write_bytes(b"fake")
    told = []
    wanted = Settings(folder / "fake.h5", folder / "in", folder / "out", labels=labels, site=site)
    with limited(60 if site else SECONDS):
        report = build(wanted, told.append, fake_models(lambda _: NamedExtractor(words)))
    assert report.images == len(names) and len(report.failed) == 1
    assert {path.name for path in folder.iterdir()} - {"out"} <= {
        "in",
        "fake.h5",
        "out_src",
        ".out.lock",
        ".out_src.lock",
    }
    assert len(list((folder / "in").iterdir())) == len(names) + 1
    for path in (folder / "out_src").rglob("*"):
        assert re.fullmatch(r"[a-z0-9._/-]+", path.relative_to(folder).as_posix()), path
        assert not path.is_symlink()
    manifest = json.loads((folder / "out_src/gallery/manifest.json").read_text(encoding="utf-8"))
    assert len({each["slug"] for each in manifest["images"]}) == len(names) + 1
    check_scripts(folder / "out_src")
    return folder


def remember(folder: Path) -> Counter:
    """Return the skeletons of a gallery's pages, and remove it."""
    found = check_sources(folder / "out_src")
    shutil.rmtree(folder)
    return found


@pytest.fixture(scope="module")
def benign() -> Counter:
    """Return the skeletons of the pages of a gallery with ordinary names."""
    words = [f"word{number}" for number in range(NamedExtractor.WORDS)]
    return remember(build_named(["one.png", "two.png"], words, ("cat", "dog")))


ENDINGS = (".png", ".PNG", ".jpg", ".Gif", ".tiff")
WORDS = st.lists(hostile.texts(), min_size=NamedExtractor.WORDS, max_size=NamedExtractor.WORDS)
NAMES = st.lists(hostile.file_names(ENDINGS), min_size=2, max_size=2, unique=True)
PAIRS = (
    ["a b.png", "a-b.png"], ["cat.png", "CAT.png"], ["cat.png", "cat.PNG"], ["池.png", "猫.png"],
    ["index.png", "Index.png"], ["a\nb.png", "a\tb.png"], ["x..png", "x...png"], ["\udcff.png", "\udcfe.png"],
    ["\u00e9.png", "e\u0301.png"], ["x" * 246 + ".png", "x" * 245 + "y.png"], ["-build.png", "--build.png"],
    ["<script>.png", "script.png"],
)  # fmt: skip


def test_names_stay_text(benign, tally):
    @tries(10)
    @given(NAMES, WORDS, st.lists(hostile.texts(), min_size=2, max_size=2))
    def attempt(names, words, labels):
        assert remember(build_named(names, words, tuple(labels))) == benign
        tally("galleries with hostile names", "gallery")
        tally(
            "hostile names in them",
            "text",
        )

    attempt()


@pytest.mark.parametrize("names", PAIRS, ids=ascii)
def test_names_that_are_almost_the_same_stay_apart(benign, tally, names):
    words = [hostile.TEXTS[number % len(hostile.TEXTS)] for number in range(NamedExtractor.WORDS)]
    assert remember(build_named(names, words, ("a", "A"))) == benign
    tally("galleries with names almost the same", "gallery")


def test_one_whole_website_of_hostile_names(tally):
    plain = ["word"] * NamedExtractor.WORDS
    hostile_words = ["".join(hostile.TEXTS[n :: NamedExtractor.WORDS]) for n in range(NamedExtractor.WORDS)]
    found = []
    for names, words, labels in (
        (["one.png", "two.png"], plain, ("cat", "dog")),
        (["\"'><img src=x onerror=alert(1)>.png", "a\n\n# b.png"], hostile_words, tuple(hostile_words[:2])),
    ):
        folder = build_named(names, words, labels, site=True)
        pages = sorted((folder / "out").rglob("*.html"))
        found.append(Counter(tuple(Skeleton(path.read_text(encoding="utf-8")).elements) for path in pages))
        shutil.rmtree(folder)
    assert found[0] == found[1]
    tally("whole websites", "gallery")


TEMPLATES = {
    "syntax": (b"{% if %}", r"model\.html\.j2, line 1: "),
    "undefined": (b"\n{{ nobody.name }}", r"model\.html\.j2, line 2: .*nobody"),
    "bytes": (b"\xff\xfe", r"model\.html\.j2: .*can't decode"),
    "nowhere": (b"{% include 'nowhere.j2' %}", r"nowhere\.j2"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_broken_template_of_the_users_is_named_in_one_line(tmp_path, tally, name):
    content, words = TEMPLATES[name]
    project = small_project(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/model.html.j2").write_bytes(content)
    with pytest.raises(WebsiteError, match=words) as caught:
        build(project, models=fake_models())
    check_line(one_line(str(caught.value)))
    tally("files of a project", "one line")


PROJECTS = {
    "page": ("site_src/own.md", b"# \xff\xfe", r"Encoding error reading file: own\.md"),
    "circle": ("mkdocs.yml", b"INHERIT: mkdocs.yml\nsite_name: x\n", "a circle: correct it"),
    "theme": ("own/main.html", b"{% if %}", "received: .*Expected an expression"),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_what_mkdocs_cannot_read_ends_in_one_line(tmp_path, tally, name):
    path, content, words = PROJECTS[name]
    project = small_project(tmp_path)
    (tmp_path / "mkdocs.yml").write_text("site_name: x\ntheme: {name: mkdocs, custom_dir: own}\n")
    (tmp_path / "own").mkdir()
    (tmp_path / path).write_bytes(content)
    with pytest.raises(WebsiteError, match=words) as caught:
        build(project, models=fake_models())
    check_line(str(caught.value), tmp_path)
    tally("files of a project", "one line")


def command(folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Run the command line in a folder."""
    line = [sys.executable, "-m", "generator", *options]
    return subprocess.run(
        line,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_the_command_line_ends_with_a_status_and_one_line(tmp_path, models, traps, tally):
    config = hostile.config_of(models["chain.keras"])
    for number, layer in enumerate(config["config"]["layers"]):
        layer["config"]["name"] = hostile.TEXTS[number + 11]
    contents = {
        "cut.h5": (models["functional.h5"][:9000], 2),
        "link.h5": (traps["link to a pipe"], 2),
        "names.keras": (hostile.with_config(models["chain.keras"], config), 1),
    }
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("\"'><img src=x onerror=alert(1)>.png", "a\n\n# b 🐈.png", "-o.png"):
        save_picture(pictures / "picture.png").rename(pictures / name)
    (pictures / "cut.png").write_bytes(hostile.sample_pictures()["png RGB"][:60])
    for name, (content, status) in contents.items():
        (tmp_path / name).write_bytes(content)
        flags = ("--model", name, "--images", "pictures", "--output", "out/site", "--no-site", "--quiet")
        done = command(tmp_path, "build", *flags)
        assert done.returncode == status, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1 and done.stdout == "" and "Traceback" not in lines[0]
        tally("command line", f"exit status {status}")
    assert len(list((tmp_path / "out/site_src/gallery/images").glob("*.md"))) == 5
    assert {path.name for path in tmp_path.iterdir()} <= {*contents, "pictures", "out"}
    check_sources(tmp_path / "out/site_src")
