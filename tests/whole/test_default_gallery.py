"""The gallery of the default model and images, as `make gallery` makes it: right, and light to open."""

import re
from pathlib import Path

import pytest
from conftest import is_outside

from generator.build import size_up

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


def test_the_model_is_right_and_sure_of_every_image(default_gallery):
    predictions = {image["file"]: image["prediction"] for image in default_gallery.manifest["images"]}
    assert {name: each["label"] for name, each in predictions.items()} == ANSWERS
    assert min(each["score"] for each in predictions.values()) >= 0.9


def weigh(site: Path) -> int:
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


def test_the_website_is_below_60_megabytes(default_gallery):
    assert weigh(default_gallery.site) < 60 * MEGABYTE


def test_a_dry_run_says_about_what_a_build_writes(default_settings, default_gallery):
    megabytes = float(re.search(r"([0-9.]+) MB", size_up(default_settings)[0])[1])
    assert megabytes * MEGABYTE == pytest.approx(weigh(default_gallery.site), rel=0.3)


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
