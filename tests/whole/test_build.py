"""The whole way, with a fake extractor where the model does not matter."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, open_picture
from fakes import FakeExtractor, fake_models, snapshot, sources
from PIL import Image

from generator import build as story
from generator import images
from generator.build import build
from generator.core import limits
from generator.core.errors import GalleryError, ImageError, LayerError, ModelError, OutputError, SettingsError
from generator.core.facts import FedImage, FedPictures
from generator.core.formatting import size
from generator.core.records import Activations, Check, LayerInfo, ModelInfo, ModelInput
from generator.core.settings import Settings
from generator.images import read
from generator.render.palette import CONSTANT


def manifest(settings: Settings) -> dict:
    return json.loads((sources(settings) / "gallery/manifest.json").read_text(encoding="utf-8"))


def test_report_counts_what_is_on_disk(project):
    report = build(project, models=fake_models())
    files = snapshot(sources(project))
    assert report.images == 2 and report.layers == 2 and report.website is None
    assert report.pages == sum(name.endswith(".md") for name in files)
    assert report.pictures == sum(name.endswith((".png", ".gif", ".jpg")) for name in files)
    assert report.failed == () and report.removed == 0


def test_building_twice_changes_nothing(project):
    build(project, models=fake_models())
    before = snapshot(sources(project))
    again = build(project, models=fake_models())
    assert again.written == 0
    assert snapshot(sources(project)) == before


def test_a_removed_image_leaves_nothing_behind_and_foreign_files_stay(project):
    build(project, models=fake_models())
    (project.images / "b.png").unlink()
    (sources(project) / "gallery/mine.txt").write_text("mine")
    report = build(project, models=fake_models())
    assert report.removed > 10
    files = snapshot(sources(project))
    assert not [name for name in files if name.startswith("gallery/images/b")]
    assert files["gallery/mine.txt"] == b"mine"


def test_identity_layers_repeat_and_have_no_picture_unless_wanted(project):
    build(project, models=fake_models())
    drop = manifest(project)["layers"][1]
    assert drop["same_as"] == "1-conv" and not drop["drawn"]
    assert "2-drop" not in manifest(project)["images"][0]["layers"]
    build(replace(project, draw_identity=True), models=fake_models())
    layers = manifest(project)["images"][0]["layers"]
    grids = [(sources(project) / layers[slug]["grid"]).read_bytes() for slug in ("1-conv", "2-drop")]
    assert grids[0] == grids[1]


def test_constant_and_flawed_channels_are_marked(project):
    build(project, models=fake_models())
    page = (sources(project) / "gallery/images/a/1-conv.md").read_text(encoding="utf-8")
    assert "constant 3" in page
    assert "<summary>1 of them constant</summary>Channel 1<" in page
    assert "NaN or infinite values" in page
    channel = sources(project) / manifest(project)["images"][0]["layers"]["1-conv"]["channels"]["1"]
    table = story.palette.colour_table("viridis")
    assert {tuple(colour) for colour in np.asarray(open_picture(channel).convert("RGB")).reshape(-1, 3)} == {
        tuple(table[CONSTANT])
    }


def frames_of(path: Path) -> list[np.ndarray]:
    image = open_picture(path)
    frames = []
    for number in range(image.n_frames):
        image.seek(number)
        frames.append(np.asarray(image.convert("RGB")))
    return frames


def duration_of(path: Path) -> int:
    image = open_picture(path)
    total = 0
    for number in range(image.n_frames):
        image.seek(number)
        total += image.info["duration"]
    return total


def test_animations_last_as_long_as_they_should_and_have_one_size(project):
    build(project, models=fake_models())
    for image in manifest(project)["images"]:
        assert duration_of(sources(project) / image["layers_gif"]) == 2 * 2000
        assert duration_of(sources(project) / image["channels_gif"]) == 5 * 200
        assert len({frame.shape for frame in frames_of(sources(project) / image["channels_gif"])}) == 1


def test_large_animations_show_fewer_channels_the_same_for_all_images(project, monkeypatch):
    """At a small budget the channels must become fewer, and the pages say so."""
    monkeypatch.setattr(limits, "PLANNED_GIF_BYTES", 60_000)
    build(project, models=fake_models(lambda _: FakeExtractor(channels=24, side=64)))
    (duration,) = {
        duration_of(sources(project) / image["channels_gif"]) for image in manifest(project)["images"]
    }
    shown = duration // 200
    assert 1 < shown < 4
    page = (sources(project) / "gallery/images/a.md").read_text(encoding="utf-8")
    assert f"{24 - shown} of 24 channels left out" in page


def test_animations_stay_below_the_limit_whatever_they_show(project, monkeypatch):
    """Noise does not compress as the plan expects, so frames are left out of those that are too large."""
    monkeypatch.setattr(limits, "README_GIF_BYTES", 120_000)
    monkeypatch.setattr(limits, "LARGEST_GIF_BYTES", 150_000)
    build(project, models=fake_models(lambda _: FakeExtractor(channels=24, side=64, noise=True)))
    for image in manifest(project)["images"]:
        for kind in ("layers_gif", "channels_gif"):
            assert 20_000 < (sources(project) / image[kind]).stat().st_size <= 150_000
    page = (sources(project) / "gallery/images/a.md").read_text(encoding="utf-8")
    assert "of 24 channels left out to stay small" in page


def test_one_bad_image_is_reported_and_noticed_on_the_pages(project):
    (project.images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    report = build(project, models=fake_models())
    assert [failed.image.name for failed in report.failed] == ["broken.png"]
    assert report.images == 2
    entry = next(image for image in manifest(project)["images"] if image["file"] == "broken.png")
    assert entry["error"] and "layers" not in entry
    for page in ("index", "gallery/images/index", "gallery/images/broken"):
        assert "expected a" in (sources(project) / f"{page}.md").read_text(encoding="utf-8")


def test_only_bad_images_write_nothing(project):
    for path in project.images.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match="at least one readable image"):
        build(project, models=fake_models())
    assert not sources(project).exists() and not project.output.exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": Path("nowhere.keras")}, ModelError),
        ({"images": Path("nowhere")}, ImageError),
        ({"layers": ("nothing*",)}, LayerError),
        ({"layers": ("Dropout",)}, LayerError),
        ({"labels": ("one", "two", "three")}, ModelError),
        ({"labels": Path("nowhere.txt")}, SettingsError),
        ({"colours": "no such map"}, SettingsError),
        ({"output": Path("/")}, OutputError),
        ({"output": Path.home()}, OutputError),
    ],
)
def test_wrong_settings_end_before_anything_is_written(project, change, error):
    with pytest.raises(error) as caught:
        build(replace(project, **change), models=fake_models())
    assert isinstance(caught.value, GalleryError)
    assert "\n" not in str(caught.value) and "expected" in str(caught.value)
    assert not sources(project).exists() and not project.output.exists()


def test_an_output_with_other_things_in_it_is_left_alone(project):
    project.output.mkdir()
    (project.output / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="empty folder or an earlier gallery"):
        build(project, models=fake_models())
    with pytest.raises(OutputError, match="without inputs"):
        build(replace(project, output=project.images.parent), models=fake_models())
    with pytest.raises(OutputError, match="without inputs"):
        build(replace(project, project=project.output.parent, output=project.output.parent / "site_src"))
    assert [path.name for path in project.output.iterdir()] == ["thesis.tex"]


def test_published_inputs_carry_no_metadata(project):
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (40, 30), "red").save(project.images / "gps.jpg", exif=exif, comment=b"Secret Camera")
    build(project, models=fake_models())
    for name, content in snapshot(sources(project)).items():
        assert b"Secret Camera" not in content, name
    published = open_picture(sources(project) / "gallery/images/gps/original.jpg")
    assert not published.getexif()


def test_no_file_tells_where_it_was_made(project):
    build(project, models=fake_models())
    for name, content in snapshot(sources(project)).items():
        if not name.startswith("gallery/.cache/"):  # is never published
            assert str(project.images.parent).encode() not in content, name


@pytest.mark.parametrize("scale", ["layer", "zscore"])
def test_every_scale_is_stated_on_the_pages(project, scale):
    build(replace(project, scale=scale), models=fake_models())
    page = (sources(project) / "gallery/images/a/1-conv.md").read_text(encoding="utf-8")
    assert {"layer": "share one scale", "zscore": "two standard deviations"}[scale] in page


def test_a_layer_pattern_draws_only_what_it_names(project):
    build(replace(project, layers=("RELU",)), models=fake_models())
    assert set(manifest(project)["images"][0]["layers"]) == {"3-act"}
    assert manifest(project)["images"][0]["channels_gif"] is None


def test_own_templates_and_styles_of_a_project_win(project, tmp_path):
    project = replace(project, project=tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/images.html.j2").write_text("<div>mine: {{ page.title }}</div>")
    (tmp_path / "site_src/css").mkdir(parents=True)
    (tmp_path / "site_src/css/gallery.css").write_text("/* mine */")
    for _ in range(2):
        build(replace(project, site=True), models=fake_models())
        assert "mine: Images" in (project.output / "gallery/images/index.html").read_text(encoding="utf-8")
        assert (project.output / "css/gallery.css").read_text() == "/* mine */"
        assert (tmp_path / "site_src/css/gallery.css").read_text() == "/* mine */"
        assert (project.output / "js/gallery.js").read_bytes() == (
            ROOT / "site_src/js/gallery.js"
        ).read_bytes()


def test_a_hand_written_front_page_is_not_overwritten(project, tmp_path):
    project = replace(project, project=tmp_path)
    (tmp_path / "site_src").mkdir()
    (tmp_path / "site_src/index.md").write_text("# Mine")
    with pytest.raises(OutputError, match="not generated"):
        build(project, models=fake_models())
    assert (tmp_path / "site_src/index.md").read_text() == "# Mine"


def test_progress_tells_stages_in_order(project):
    steps = []
    build(project, steps.append, fake_models())
    assert list(dict.fromkeys(step.stage for step in steps)) == ["model", "pictures", "pages"]
    drawing = [step.done for step in steps if step.stage == "pictures"]
    assert drawing == sorted(drawing) and drawing[-1] == 4


class OddExtractor(FakeExtractor):
    """Has a row of numbers, a layer that is left out, and a second run that comes out differently."""

    def describe(self) -> ModelInfo:
        model = super().describe()
        shape = (7,)
        layers = (
            LayerInfo(index=4, name="row", kind="Dense", family="other", shape=shape, parameters=3),
            LayerInfo(index=5, name="<b>code</b>", kind="Lambda", family="other", shape=(), parameters=0,
                      missing="its code is not run"),
        )  # fmt: skip
        return replace(model, layers=(*model.layers, *layers))

    def extract(self, values: np.ndarray, others) -> Activations:
        activations = super().extract(values, others)
        row = np.array([-1, 0, 1, 2, 3, np.nan, 1], np.float32)[None, :, None]
        check = Check(0.5, layers={1: 0.25}, failed=("the output", "conv"))
        return replace(activations, maps=activations.maps | {4: row}, check=check)


def test_a_failed_check_is_written_on_the_pages_concerned(project):
    report = build(project, models=fake_models(OddExtractor))
    sources = report.sources / "gallery"
    assert len(report.unverified) == 2 and "a.png, the output, conv came out" in report.unverified[0]
    notice = "These pictures may be wrong"
    for page in ("images/a", "images/a/1-conv", "layers/1-conv"):
        assert notice in (sources / f"{page}.md").read_text(), page
    for page in ("images/a/3-act", "layers/3-act"):
        assert notice not in (sources / f"{page}.md").read_text(), page
    model = (sources / "model.md").read_text()
    assert "FAILED for the output, conv, the output and 1 more" in model
    manifest = json.loads((sources / "manifest.json").read_text())["verification"]
    assert manifest["largest_output_difference"] == 0.5
    assert manifest["failed"] == {"a": ["the output", "conv"], "b": ["the output", "conv"]}


class PairExtractor(FakeExtractor):
    """Takes four channels, and a second picture of three."""

    folder: Path

    def describe(self) -> ModelInfo:
        inputs = (
            ModelInput("image", (12, 12, 4), FedImage()),
            ModelInput("other", (12, 12, 3), FedPictures(folder=self.folder)),
        )
        return replace(super().describe(), input_shape=(12, 12, 4), inputs=inputs)

    def extract(self, values: np.ndarray, others) -> Activations:
        assert values.shape == (12, 12, 4) and not values[..., 3].any()
        assert {name: each.shape for name, each in others.items()} == {"other": (12, 12, 3)}
        return super().extract(values[..., :3], others)


def test_what_fills_channels_is_for_the_test_image_alone(project, monkeypatch):
    decoded = []
    monkeypatch.setattr(PairExtractor, "folder", project.images, raising=False)
    monkeypatch.setattr(images, "read", lambda path: decoded.append(path.name) or read(path))
    wanted = replace(project, input_channels=("R", "G", "B", "0"), inputs={"other": str(project.images)})
    report = build(wanted, models=fake_models(PairExtractor))
    assert report.images == 2 and not report.failed
    assert sorted(decoded) == ["a.png", "a.png", "b.png", "b.png"]  # each for both inputs, once


class NeverExtractor(FakeExtractor):
    """Has a class of one's own called Global…, a check that nothing passes, and an image without a number."""

    def describe(self) -> ModelInfo:
        known = super().describe()
        last = replace(known.layers[2], kind="GlobalResponseNormalization", family="normalization")
        return replace(known, layers=(*known.layers[:2], last))

    def extract(self, values: np.ndarray, others) -> Activations:
        activations = super().extract(values, others)
        maps = dict(activations.maps)
        if not getattr(self, "called", False):
            maps[3] = np.full_like(maps[3], np.nan)
        self.called = True
        return replace(activations, maps=maps, check=Check(np.inf, failed=("the output",)))


def test_what_is_not_finite_spoils_neither_the_manifest_nor_the_legend(project):
    report = build(project, models=fake_models(NeverExtractor))
    text = (report.sources / "gallery/manifest.json").read_text(encoding="utf-8")

    def refuse(constant: str):
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    assert found["verification"]["largest_output_difference"] is None
    assert found["verification"]["failed"]
    page = (report.sources / "gallery/layers/3-act.md").read_text(encoding="utf-8")
    assert re.search(r"Values here lie between \S*\d\S* and \S*\d", page)
    assert "Global pooling" not in page and "Normalisation brings" in page


def test_rows_of_numbers_become_bars_and_what_is_left_out_is_said(project):
    told = []
    report = build(project, told.append, models=fake_models(OddExtractor))
    sources = report.sources / "gallery"
    bars = np.asarray(open_picture(sources / "images/a/4-row.png").convert("RGBA"))
    width = bars.shape[1] // 7
    heights = [int((bars[:, column * width, 3] > 0).sum()) for column in range(7)]
    assert heights[5] == bars.shape[0]  # NaN fills the whole height
    assert heights[4] == pytest.approx(0.75 * bars.shape[0], abs=2)
    assert heights[0] == heights[2] == pytest.approx(0.25 * bars.shape[0], abs=2)
    assert heights[1] <= 1
    assert (
        "Bars of 7 values of row for a.png: values from −1 to 3" in (sources / "layers/4-row.md").read_text()
    )
    assert not (sources / "images/a/4-row.md").exists()
    values = (sources / "images/a/4-row.csv").read_text().splitlines()
    assert values == ["unit,value", "0,-1", "1,0", "2,1", "3,2", "4,3", "5,nan", "6,1"]
    assert 'href="../images/a/4-row.csv" download' in (sources / "layers/4-row.md").read_text()
    model = (sources / "model.md").read_text()
    assert "&lt;b&gt;code&lt;/b&gt; (its code is not run)" in model
    assert "not drawn: <b>code</b> (its code is not run)" in [step.text for step in told]


def test_health_is_told_on_the_pages_in_the_manifest_and_as_csv(project):
    folder = build(project, models=fake_models()).sources / "gallery"
    page = (folder / "layers/1-conv.md").read_text(encoding="utf-8")
    assert "1 of 5 channels has NaN or infinite values." in page
    assert "0 ≈ 3 ≈ 4" in page and '.html#c4">channel 4</a>' in page.replace("../images/a/1-conv", "")
    model = (folder / "model.md").read_text(encoding="utf-8")
    assert (
        model.index("2 of 5 channels repeat another one") < model.index("health.svg") < model.index("<table")
    )
    health = manifest(project)["layers"][0]["health"]
    assert (health["images"], health["channels"], health["constant"], health["flawed"]) == (2, 5, [1], [2])
    assert health["duplicates"] == [[0, 3, 4]] and health["minimum"] < health["maximum"]
    assert manifest(project)["layers"][1]["health"] is None
    for name in ("1-conv.health.svg", "1-conv.values.csv", "1-conv.channels.csv"):
        assert (folder / "layers" / name).is_file() and f'"{name}"' in page
    assert not list(folder.rglob("*.npz"))


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_arrays_to_take_along_are_the_activations(project, kind, monkeypatch, capsys):
    build(replace(project, arrays=kind), models=fake_models(OddExtractor))
    before = snapshot(sources(project))
    build(replace(project, arrays=kind), models=fake_models(OddExtractor))
    assert snapshot(sources(project)) == before
    path = sources(project) / manifest(project)["images"][0]["arrays"]
    values = images.Preparation("0..1", (), 512).apply(
        images.decode(images.read(project.images / "a.png")), (12, 12, 3)
    )
    maps = OddExtractor().extract(values.values, {}).maps
    with np.load(path, allow_pickle=False) as stored:
        assert list(stored) == ["1-conv", "3-act", "4-row"]
        for key, index in (("1-conv", 1), ("3-act", 3), ("4-row", 4)):
            assert stored[key].dtype == kind
            np.testing.assert_array_equal(stored[key], maps[index].astype(kind))
    page = (sources(project) / "gallery/images/a.md").read_text(encoding="utf-8")
    assert f"({size(path.stat().st_size)})" in page
    monkeypatch.chdir(path.parent)
    example = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1]
    exec(html.unescape(example), {})
    assert capsys.readouterr().out == "['1-conv', '3-act', '4-row'] (12, 12, 5)\n"


def test_what_float16_cannot_hold_becomes_infinite(project):
    class HugeExtractor(FakeExtractor):
        def extract(self, values: np.ndarray, others) -> Activations:
            found = super().extract(values, others)
            return replace(found, maps={index: maps * np.float32(1e6) for index, maps in found.maps.items()})

    build(replace(project, arrays="float16"), models=fake_models(HugeExtractor))
    with np.load(sources(project) / "gallery/images/a/activations.npz") as stored:
        assert np.isposinf(stored["1-conv"][..., 1]).all()
