"""A gallery as one page: everything in it, below its limit, and it says what it leaves out."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from conftest import ROOT
from websites import HOSTILE

from generator import cli
from generator.core.errors import OutputError
from generator.core.formatting import one_line
from generator.core.limits import MAILED_PAGE_BYTES
from generator.export.single_page import Content, choose, evenly, write_single


def made_up(images: int, layers: int, gif: int, grid: int) -> Content:
    """Return a gallery whose files have these sizes in bytes."""
    files, found = {}, []
    slugs = [f"{number:02d}-layer" for number in range(layers)]
    for number in range(images):
        name = f"image-{number:03d}"
        files |= {f"{name}/original.jpg": 20_000, f"{name}/layers.gif": gif, f"{name}/layers.png": 1_000}
        files |= {f"{name}/{slug}.png": grid for slug in slugs}
        found.append({
            "slug": name, "file": f"{name}.png", "prediction": {"text": "cat"},
            "original": f"{name}/original.jpg", "layers_gif": f"{name}/layers.gif",
            "layers": {slug: {"grid": f"{name}/{slug}.png"} for slug in slugs},
        })  # fmt: skip
    known = [{"slug": slug, "name": slug, "kind": "Conv2D"} for slug in slugs]
    manifest = {"images": found, "layers": known}
    return Content(folder=None, files=files, manifest=manifest, images=found, layers=[slugs] * images)


def test_layers_are_left_out_before_animations_and_those_before_images():
    one = choose(made_up(1, 30, 1_500_000, 60_000), MAILED_PAGE_BYTES)
    assert (one.images, one.animations, one.grids) == ((0,), {0}, 30)
    four = choose(made_up(4, 30, 1_000_000, 60_000), MAILED_PAGE_BYTES)
    assert four.animations == {0, 1, 2, 3} and 3 <= four.grids < 30
    assert choose(made_up(4, 30, 1_000_000, 60_000), 10**9).grids == 30
    five = choose(made_up(5, 30, 1_600_000, 60_000), MAILED_PAGE_BYTES)
    assert len(five.images) == 5 and 0 < len(five.animations) < 5 and five.grids >= 3
    many = choose(made_up(300, 30, 1_600_000, 60_000), MAILED_PAGE_BYTES)
    assert many.animations == frozenset() and many.grids >= 3
    assert 20 < len(many.images) < 60 and many.images[0] == 0 and many.images[-1] == 299


def test_a_choice_is_even_and_keeps_both_ends():
    assert evenly(range(9), 3) == [0, 4, 8]
    assert evenly(range(3), 9) == [0, 1, 2]
    assert evenly("abc", 1) == ["a"]
    assert len(set(evenly(range(34), 11))) == 11


def test_what_fits_in_no_way_is_refused():
    with pytest.raises(OutputError, match="received more"):
        choose(made_up(1, 3, 10, 6_000_000), MAILED_PAGE_BYTES)


def test_a_page_holds_every_image_and_layer_with_names(gallery, tmp_path):
    written, left_out = write_single(gallery.site, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert written == len(text.encode()) < MAILED_PAGE_BYTES and left_out == []
    for image in gallery.manifest["images"]:
        assert image["file"] in text and image["prediction"]["text"] in text
        for layer in gallery.manifest["layers"]:
            if layer["slug"] in image["layers"]:
                assert f"Layer {layer['index']}, {layer['name']}, for {image['file']}" in unescape(text)
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_a_smaller_limit_is_kept_and_what_is_left_out_is_said(gallery, tmp_path):
    whole, _ = write_single(gallery.site, tmp_path / "whole.html")
    seen = set()
    for share in (0.9, 0.6, 0.4):
        most = int(whole * share)
        try:
            written, left_out = write_single(gallery.site, tmp_path / "a.html", most=most)
        except OutputError:
            continue
        text = unescape((tmp_path / "a.html").read_text(encoding="utf-8"))
        assert written <= most and left_out and all(each in text for each in left_out)
        assert all(image["file"] in text for image in gallery.manifest["images"])
        seen.add(tuple(left_out))
    assert seen


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{"java_script_enabled": False}, {"color_scheme": "dark"}], indirect=True)
def test_a_page_opens_from_the_disk_and_asks_for_nothing(visit, gallery, tmp_path):
    write_single(gallery.site, tmp_path / "a.html")
    asked = []
    page = visit(SimpleNamespace(site=tmp_path), "a")
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_load_state("load")
    assert [url for url in asked if not url.startswith("data:")] == [(tmp_path / "a.html").as_uri()]
    assert page.locator("section img").count() == sum(
        len(image["layers"]) for image in gallery.manifest["images"]
    )
    page.get_by_role("link", name="one.png").click()
    assert page.url.endswith("#image-0")
    assert page.locator("section .gif").first.bounding_box()["height"] > 50
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("html").bounding_box()["width"] <= 390


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}, {}], indirect=True, ids=["still", "moving"])
def test_who_wants_nothing_to_move_sees_the_still(request, visit, gallery, tmp_path):
    write_single(gallery.site, tmp_path / "a.html")
    page = visit(SimpleNamespace(site=tmp_path), "a")
    kind = "image/png" if "still" in request.node.callspec.id else "image/gif"
    for animation in page.locator(".gif").all():
        assert animation.bounding_box()["height"] > 50
        assert animation.evaluate("each => getComputedStyle(each).backgroundImage").startswith(
            f'url("data:{kind};'
        )
    assert page.locator(".gif").count() == 2 * len(gallery.manifest["images"])


@pytest.mark.browser
def test_hostile_names_stay_text(visit, hostile_gallery, tmp_path):
    write_single(hostile_gallery.site, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert (
        "<script" not in text and "<img src=x" not in text and "{{" not in re.sub("{{7\\*7}}|{{ 7", "", text)
    )
    page = visit(SimpleNamespace(site=tmp_path), "a")
    shown = page.locator("body").inner_text()
    for image in hostile_gallery.manifest["images"]:
        assert one_line(image["file"]) in shown
    assert all(one_line(name) in shown for name in HOSTILE)
    assert page.locator("script, iframe, [onerror]").count() == 0


def test_the_build_writes_the_page_also_where_nothing_changed(small_model, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["build", "--model", str(small_model), "--images", str(pictures), "--output", "site"]
    command += ["--layers", "pool", "--no-progress", "--single", "page.html"]
    first = CliRunner().invoke(cli.main, command)
    assert first.exit_code == 0, first.output
    page = tmp_path / "page.html"
    before = page.read_bytes()
    page.unlink()
    again = CliRunner().invoke(cli.main, command)
    assert "nothing changed" in again.stdout and f"{page}: one page of" in again.stdout
    assert page.read_bytes() == before


def test_a_page_is_written_without_tensorflow(gallery, tmp_path):
    program = (
        "import sys; from pathlib import Path; from generator.export.single_page import write_single; "
        "write_single(*map(Path, sys.argv[1:])); print('tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", program, gallery.site, tmp_path / "a.html"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert (tmp_path / "a.html").is_file()


@pytest.mark.parametrize("flag", ["--dry-run", "--no-site"])
def test_a_page_needs_a_website(flag):
    done = CliRunner().invoke(cli.main, ["build", "--single", "page.html", flag])
    assert done.exit_code == 2 and "leave one out" in done.stderr and done.stderr.count("\n") == 1


def test_a_page_is_refused_before_the_build_where_it_cannot_lie(small_model, pictures, tmp_path):
    command = ["build", "--model", str(small_model), "--images", str(pictures)]
    command += ["--output", str(tmp_path / "site"), "--single"]
    for wrong in ("site/page.html", "page.txt", "nowhere/page.html"):
        done = CliRunner().invoke(cli.main, [*command, str(tmp_path / wrong)])
        assert done.exit_code == 2 and done.stderr.count("\n") == 1, done.output
    assert list(tmp_path.iterdir()) == []


def test_images_that_failed_are_named_with_their_reason(gallery, tmp_path):
    site = shutil.copytree(gallery.site, tmp_path / "site")
    manifest = json.loads((site / "gallery/manifest.json").read_text(encoding="utf-8"))
    manifest["images"].append(
        {"slug": "bad", "file": "bad <b>.png", "sha256": "", "page": "", "error": "no picture"}
    )
    written = json.dumps(manifest)
    (site / "gallery/manifest.json").write_text(written, encoding="utf-8")
    record = site / ".activation-gallery.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"gallery/manifest.json": len(written)}))
    write_single(site, tmp_path / "a.html")
    assert "bad &lt;b&gt;.png: no picture" in (tmp_path / "a.html").read_text(encoding="utf-8")
