"""Builds after the first: only what changed is made, and it is the same as made from scratch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, save_picture
from fakes import FakeExtractor, fake_models, snapshot, sources

from generator.build import build
from generator.core import records
from generator.core.errors import GalleryError, OutputError
from generator.core.facts import FedImage, FedPictures
from generator.core.records import ModelInput
from generator.core.settings import Settings
from generator.storage import cache


class Counting(FakeExtractor):
    """Counts how often a model was opened and how many images it was shown."""

    opened = shown = 0

    def __init__(self, *_):
        super().__init__()
        Counting.opened += 1

    def extract(self, values, others):
        Counting.shown += 1
        return super().extract(values, others)


@pytest.fixture
def counts() -> Callable[[], tuple[int, int]]:
    """Return how many models were opened and images shown since the last call."""

    def since() -> tuple[int, int]:
        found = Counting.opened, Counting.shown
        Counting.opened = Counting.shown = 0
        return found

    since()
    return since


def published(settings: Settings) -> dict[str, bytes]:
    """Return what a build made, by path; the cache is its own business."""
    files = snapshot(sources(settings)).items()
    return {name: content for name, content in files if "gallery/." not in name}


def times(settings: Settings) -> dict[str, int]:
    """Return when each file was written, by path, in nanoseconds."""
    return {name: (sources(settings) / name).stat().st_mtime_ns for name in published(settings)}


def changed(settings: Settings, before: dict[str, int]) -> set[str]:
    after = times(settings)
    return {name for name in before.keys() | after if before.get(name) != after.get(name)}


def make(settings: Settings):
    return build(settings, models=fake_models(Counting))


def make_elsewhere(settings: Settings, folder: Path) -> dict[str, bytes]:
    """Build the same from nothing, in another folder."""
    fresh = replace(settings, output=folder / "fresh/out")
    make(fresh)
    return published(fresh)


def test_nothing_changed_does_nothing_and_says_so(project, counts):
    first = make(project)
    assert counts() == (1, 2) and not first.unchanged and first.kept == 0
    before = times(project)
    again = make(project)
    assert again.unchanged and again.written == again.removed == 0 and again.kept == 2
    assert (again.pictures, again.pages, again.bytes) == (first.pictures, first.pages, first.bytes)
    assert list(again.seconds) == ["check"]
    assert counts() == (0, 0) and not changed(project, before)


def test_an_added_image_costs_its_own_pictures_and_the_pages_that_mention_it(project, counts, tmp_path):
    make(project)
    counts(), (before := times(project))
    save_picture(project.images / "aa.png", seed=7)
    report = make(project)
    assert counts() == (1, 1) and report.kept == 2
    touched = changed(project, before)
    mine = {name for name in published(project) if name.startswith("gallery/images/aa")}
    drawn = {name for name in touched if name.endswith((".png", ".gif", ".jpg", "maps.js"))}
    own = {name for name in mine if not name.endswith((".md", ".csv"))}
    assert drawn == own | {"gallery/card.jpg"}  # which shows the first images side by side
    for name in touched - mine:
        if name.endswith(".md") and name != "gallery/model.md":  # has numbers over all images
            assert "aa" in (sources(project) / name).read_text(encoding="utf-8"), name
    assert published(project) == make_elsewhere(project, tmp_path)


def test_a_removed_image_costs_no_picture(project, counts, tmp_path):
    make(project)
    counts()
    (project.images / "a.png").unlink()
    report = make(project)
    assert counts() == (0, 0) and report.kept == 1 and report.removed > 5
    assert published(project) == make_elsewhere(project, tmp_path)


def test_a_changed_image_is_drawn_again(project, counts, tmp_path):
    make(project)
    counts()
    save_picture(project.images / "a.png", seed=8)
    make(project)
    assert counts() == (1, 1)
    assert published(project) == make_elsewhere(project, tmp_path)


@pytest.mark.parametrize(
    ("setting", "touches"),
    [
        ({"gif_channels": 2}, ("channels.gif",)),
        ({"channels": ("activation",)}, ("/channel-0.png",)),
        (
            {"scale": "layer"},
            ("/grid.png", "layers.gif", "channels.gif", "/channel-0.png", "/small.png", "card.jpg"),
        ),
        ({"explain": False}, ("decides.gif", "decides.png")),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_setting_costs_the_pictures_that_it_touches(project, tmp_path, setting, touches):
    make(project)
    before = times(project)
    other = replace(project, **setting)
    make(other)
    pictures = {name for name in changed(project, before) if name.endswith((".png", ".gif", ".jpg"))}
    assert pictures
    stems = tuple(each.rpartition(".")[0].rpartition("-")[0] or each.rpartition(".")[0] for each in touches)
    assert all(any(stem in name for stem in stems) for name in pictures), pictures
    assert published(other) == make_elsewhere(other, tmp_path)


def test_a_template_or_a_style_sheet_costs_no_picture(project, counts):
    folder = project.images.parent
    shutil.copytree(ROOT / "templates", folder / "templates")
    own = replace(project, project=folder)
    make(own)
    counts(), (before := times(own))
    template = folder / "templates/images.html.j2"
    template.write_text(template.read_text(encoding="utf-8") + "<p>more</p>\n", encoding="utf-8")
    assert make(own).kept == 2
    assert changed(own, before) == {"gallery/images/index.md"}
    (folder / "site_src/css").mkdir()
    (folder / "site_src/css/own.css").write_text("p { color: teal }")
    report = make(own)
    assert not report.unchanged and report.written == 0
    assert make(own).unchanged
    assert counts() == (0, 0)


def test_the_users_own_style_sheets_outlive_builds_without_the_project(project):
    folder = project.images.parent
    without = replace(project, output=folder / "site")
    (folder / "site_src/css").mkdir(parents=True)
    own = {"gallery.css": b"mine", "health.css": (ROOT / "site_src/css/health.css").read_bytes()}
    for name, content in own.items():
        (folder / "site_src/css" / name).write_bytes(content)
    make(without)
    assert (folder / "site_src/css/explorer.css").exists()
    make(replace(without, project=folder))
    assert {path.name: path.read_bytes() for path in (folder / "site_src/css").iterdir()} == own


def test_records_are_not_kept_or_removed_behind_a_link(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/own.json").write_text("{}")
    (tmp_path / "out_src/gallery").mkdir(parents=True)
    (tmp_path / "out_src/gallery/.cache").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="received a link to"):
        make(project)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["own.json"]


def test_pages_behind_a_link_are_looked_at_and_links_may_lead_in_a_circle(project, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/own.md").write_text("# one")
    (tmp_path / "docs/round").symlink_to(tmp_path / "docs")
    sources(project).mkdir()
    (sources(project) / "docs").symlink_to(tmp_path / "docs")
    (sources(project) / "itself").symlink_to("itself")
    make(project)
    assert make(project).unchanged
    (tmp_path / "docs/own.md").write_text("# two")
    assert not make(project).unchanged


@pytest.mark.parametrize(
    ("config", "unchanged"),
    [
        ("site_name: !ENV [NOT_THERE, SITE_NAME, x]", False),
        ("site_name: SITE_NAME", True),
        ('theme: {"custom_dir": "own"}', False),
    ],
)
def test_what_mkdocs_reads_beyond_its_file_is_looked_at(project, monkeypatch, config, unchanged):
    own = replace(project, project=project.images.parent)
    (own.project / "mkdocs.yml").write_text(config)
    make(own)
    monkeypatch.setenv("SITE_NAME", "other")
    assert make(own).unchanged == unchanged


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short")])
@pytest.mark.parametrize("name", ["a/1-conv/grid.png", "a/channels.gif", "a/1-conv.md"])
def test_what_is_missing_or_cut_short_is_made_again(project, name, damage):
    make(project)
    before = published(project)
    damage(sources(project) / "gallery/images" / name)
    assert not make(project).unchanged
    assert published(project) == before
    assert make(project).unchanged


def test_force_makes_everything_again(project, counts):
    make(project)
    counts()
    report = make(replace(project, force=True))
    assert counts() == (1, 2) and report.kept == report.written == 0
    assert make(project).unchanged


def test_a_build_that_is_cut_off_leaves_no_record_of_what_it_replaced(project):
    class Stopped(FakeExtractor):
        def gradients(self, *_):
            raise KeyboardInterrupt

    make(project)
    before, content = published(project), (project.images / "a.png").read_bytes()
    save_picture(project.images / "a.png", seed=8)
    with pytest.raises(KeyboardInterrupt):
        build(project, models=fake_models(Stopped))
    assert published(project) != before
    (project.images / "a.png").write_bytes(content)
    make(project)
    assert published(project) == before


def test_the_users_own_code_is_never_taken_as_unchanged(project, counts):
    own = replace(project, custom_objects=("math:sqrt",))
    make(own)
    assert not make(own).unchanged and counts() == (2, 4)
    assert make(project).kept == 0 and counts() == (1, 2)  # nor what was made with it as made without


def test_failures_are_said_again_when_nothing_changed(project):
    (project.images / "bad.png").write_bytes(b"no picture")
    first, again = make(project), make(project)
    assert again.unchanged and again.failed == first.failed and again.failed[0].image.name == "bad.png"


RUN = """
import sys
from generator.cli import main
try:
    main()
finally:
    print(sorted({"tensorflow", "keras", "mkdocs", "matplotlib"} & sys.modules.keys()))
"""


def run(folder: Path, *arguments, **environment) -> str:
    """Build in a process of its own and return what it said."""
    command = [sys.executable, "-c", RUN, "build", "--no-progress", *arguments]
    paths = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    result = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_same_bytes_in_every_process_and_nothing_heavy_when_nothing_changed(
    small_model, pictures, tmp_path
):
    def snapshots(name: str) -> dict[str, bytes]:
        both = snapshot(tmp_path / name) | snapshot(tmp_path / f"{name}_src")
        return {path: content for path, content in both.items() if not path.startswith("gallery/.")}

    arguments = "--model", small_model, "--images"
    some = tmp_path / "pictures"
    some.mkdir()
    first, *others = sorted(pictures.iterdir())
    shutil.copy(first, some)
    run(tmp_path, *arguments, some, "--output", "slow", PYTHONHASHSEED="1")
    for each in others:
        shutil.copy(each, some)
    assert "1 image are" in run(tmp_path, *arguments, some, "--output", "slow", PYTHONHASHSEED="2")
    one_core = sorted(os.sched_getaffinity(0))[:1]
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, one_core)
    try:
        run(tmp_path, *arguments, some, "--output", "fresh", PYTHONHASHSEED="3")
    finally:
        os.sched_setaffinity(0, all_cores)
    assert snapshots("slow") == snapshots("fresh")
    said = run(tmp_path, *arguments, some, "--output", "slow", PYTHONHASHSEED="4")
    assert said.startswith("nothing changed since the last build")
    assert said.endswith("[]\n")
    next((tmp_path / "slow").rglob("*.html")).unlink()
    assert "nothing changed" not in run(tmp_path, *arguments, some, "--output", "slow")
    assert snapshots("slow") == snapshots("fresh")


def test_records_come_back_as_they_were():
    image = records.InputImage(name="ä.png", slug="a", path=Path("x/ä.png"), digest="00")
    values = np.array([1.5, np.nan, -np.inf]), np.array([[True], [False]]), np.zeros((0, 2), np.int32)
    check = records.Check(float("nan"), layers={2: 1e-7}, random=("a",))
    record = records.Activations({1: values[0]}, values, check)
    for value in (image, record, values, {"a": (1, None), 3: "x"}, np.float32(0.1), "</script>"):
        packed = cache.dump(value)
        assert cache.dump(cache.load(packed)) == packed
    for array, again in zip(values, cache.load(cache.dump(values)), strict=True):
        assert array.dtype == again.dtype and np.array_equal(array, again, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", '{"record": "Path", "fields": {}}', '{"record": "Picture", "fields": {"a": 1}}',
        '{"array": 3}',
        '{"array": ["O", [1], "AAAAAAAAAAA="]}', '{"array": ["<f8", [9], ""]}', '{"path": 3}', "[" * 100_000,
    ],
)  # fmt: skip
def test_anything_else_is_no_record(text, tmp_path):
    with pytest.raises(ValueError):
        cache.load(text)
    (tmp_path / "a.json").write_text(text)
    assert cache.Cache(tmp_path, force=False).recall("a", "key") is None
    assert not list(tmp_path.iterdir())


WAYS = ("changed", "changed and back")
FILES = {  # what a project is made from, and another content of each
    "in/a.png": None,
    "others/a.png": None,
    "fake.h5": None,
    "fake.labels.txt": b"new\nlabels\n",
    "templates/image.html.j2": None,
    "mkdocs.yml": b"site_name: another\ntheme: {name: mkdocs, highlightjs: false}\nplugins: []\n",
    "site_src/own.md": b"# another page\n",
}


def whole_project(folder: Path) -> Settings:
    """Lay out a project that has every kind of file that a website is made from."""
    for name in ("in", "others", "templates", "site_src"):
        (folder / name).mkdir(parents=True)
    for path in ("in/a.png", "others/a.png"):
        save_picture(folder / path, seed=1)
    (folder / "fake.h5").write_bytes(b"fake")
    (folder / "fake.labels.txt").write_text("old\nwords\n")
    shutil.copy(ROOT / "templates/image.html.j2", folder / "templates")
    (folder / "mkdocs.yml").write_text(
        "site_name: one\ntheme: {name: mkdocs, highlightjs: false}\nplugins: []\n"
    )
    (folder / "site_src/own.md").write_text("# a page\n")
    inputs = {"other": str(folder / "others")}
    return Settings(folder / "fake.h5", folder / "in", folder / "out", inputs=inputs, project=folder)


def another(folder: Path, path: str) -> bytes:
    """Return another content for a file of a project."""
    if path.endswith(".png"):
        return save_picture(folder / "other.png", seed=2).read_bytes()
    if path.endswith(".h5"):
        return b"another"
    if path.endswith(".j2"):
        return (folder / "project" / path).read_bytes() + b"\n<!-- another -->\n"
    return FILES[path]


@pytest.mark.parametrize("stage", ["model", "pictures", "pages", "website"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", FILES)
def test_what_changes_during_a_build_is_seen_by_the_next(tmp_path, monkeypatch, path, way, stage):
    """At the end of two builds all is as if the first had never been."""

    class Opener(FakeExtractor):
        """Has a second input, and maps that depend on the bytes of its file."""

        def __init__(self, recipe):
            self.bias = len(recipe.path.read_bytes())
            self.digest = recipe.digest
            self.folder = Path(recipe.inputs["other"])
            super().__init__()

        def describe(self):
            inputs = (
                ModelInput("image", (12, 12, 3), FedImage()),
                ModelInput("other", (12, 12, 3), FedPictures(folder=self.folder)),
            )
            return replace(super().describe(), inputs=inputs, digest=self.digest)

        def extract(self, values, others):
            return super().extract(values + others["other"] + self.bias, others)

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # MkDocs' theme has the time in its pages
    settings = whole_project(tmp_path / "project")
    file = tmp_path / "project" / path
    old, new = file.read_bytes(), another(tmp_path, path)

    def meddle(step) -> None:
        if step.stage == stage:
            file.write_bytes(new)

    with suppress(GalleryError):
        build(settings, meddle, fake_models(Opener))
    if way == "changed and back":
        file.write_bytes(old)
    report = build(settings, models=fake_models(Opener))
    assert not report.unchanged and not report.failed
    clean = whole_project(tmp_path / "clean")
    (tmp_path / "clean" / path).write_bytes(file.read_bytes())
    build(clean, models=fake_models(Opener))
    assert published(settings) == published(clean)
    assert snapshot(settings.output) == snapshot(clean.output)
    assert build(settings, models=fake_models(Opener)).unchanged


def test_images_that_all_vanish_once_they_are_drawn_end_no_build(project):
    def meddle(step) -> None:
        if step.stage == "pages":
            for path in project.images.iterdir():
                path.unlink()

    assert build(project, meddle, fake_models()).images == 2
