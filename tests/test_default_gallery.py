"""The gallery of the default model and images, as `make gallery` makes it: right, and light to open."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, Gallery, is_outside, open_gallery

from generator.build import build
from generator.settings import load_settings

MEGABYTE = 1_000_000
ANSWERS = {"cat.png": "cat", "dog.png": "dog", "two_cats.png": "cat", "two_dogs.png": "dog"}
HEAVY = (
    "index",
    "gallery/images/index",
    "gallery/images/two-dogs",
    "gallery/images/two-dogs/01-block1-conv1",
    "gallery/images/two-dogs/33-block5-conv2",
    "gallery/layers/index",
    "gallery/layers/01-block1-conv1",
    "gallery/layers/33-block5-conv2",
    "gallery/compare",
    "gallery/model",
)


@pytest.fixture(scope="module")
def default_gallery(tmp_path_factory) -> Gallery:
    """The whole default gallery, outside the project, whose own sources stay as they are."""
    pytest.importorskip("keras")
    settings = load_settings(ROOT / "gallery.toml", ROOT, {})
    settings = replace(settings, project=None, output=tmp_path_factory.mktemp("default") / "site")
    build(settings)
    return open_gallery(settings)


def test_the_model_is_right_and_sure_of_every_image(default_gallery):
    predictions = {image["file"]: image["prediction"] for image in default_gallery.manifest["images"]}
    assert {name: each["label"] for name, each in predictions.items()} == ANSWERS
    assert min(each["score"] for each in predictions.values()) >= 0.9


def test_the_website_is_below_60_megabytes(default_gallery):
    assert (
        sum(path.stat().st_size for path in default_gallery.site.rglob("*") if path.is_file()) < 60 * MEGABYTE
    )


@pytest.mark.browser
@pytest.mark.parametrize("path", HEAVY)
def test_no_page_loads_more_than_3_megabytes_before_it_is_touched(chromium, default_gallery, path):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    asked = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto((default_gallery.site / f"{path}.html").as_uri())
    page.wait_for_timeout(500)
    page.close()
    assert not [url for url in asked if is_outside(url)]
    files = [Path(url.removeprefix("file://").partition("?")[0]) for url in asked if url.startswith("file:")]
    assert len(files) > 5
    assert sum(file.stat().st_size for file in files) < 3 * MEGABYTE
