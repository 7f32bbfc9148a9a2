"""Galleries of many images: every list is cut into pages, and each image is on one page of each list."""

import json
import re
from pathlib import Path

import pytest
from conftest import Gallery, open_gallery, save_picture
from fakes import fake_models, make_plan
from websites import LOOKS, References, axe, broken_links, found_by_axe  # noqa: F401 - axe is a fixture

from generator import estimate
from generator.build import build, source_folder
from generator.core import paths, plan
from generator.core.records import FailedImage, InputImage
from generator.core.settings import Settings
from generator.website.list_pages import ListPage, list_pages
from generator.website.pages import image_layer

NAMES = ("a", "b", "compare", "home", "images", "index", "layers", "page-2", "page-3")
SLUGS = (*NAMES[:5], "index-png", *NAMES[6:])
BROKEN = "broken.png"  # between b and compare: listed, but on no layer's page
LISTS = {"index": "gallery/home", "gallery/images/index": "gallery/images/index"}
LAYER = "gallery/layers/1-conv"


def results(number: int) -> list[FailedImage]:
    return [
        FailedImage(
            image=InputImage(name=f"{each}.png", slug=str(each), path=Path(f"{each}.png"), digest=""),
            error="x",
        )
        for each in range(number)
    ]


def make_gallery(folder: Path, names: tuple[str, ...], per_page: int, site: bool = True) -> Settings:
    """Build a gallery with so few images on a page that there are several."""
    (folder / "in").mkdir(parents=True)
    for number, name in enumerate(names):
        save_picture(folder / "in" / f"{name}.png", seed=number)
    (folder / "in" / BROKEN).write_bytes(b"no picture")
    (folder / "fake.h5").write_bytes(b"fake")
    settings = Settings(folder / "fake.h5", folder / "in", folder / "site", explain=False, site=site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "PER_PAGE", per_page)
        patch.setattr(plan, "COMPARED", per_page)
        patch.setattr(image_layer, "SEARCHED", len(NAMES) - 1)
        build(settings, models=fake_models())
    return settings


@pytest.fixture(scope="module")
def paged(tmp_path_factory) -> Gallery:
    """A gallery with four images on a page, some of them called like pages."""
    return open_gallery(make_gallery(tmp_path_factory.mktemp("paged"), NAMES, 4))


def read(gallery: Gallery, page: str) -> str:
    return (gallery.site / f"{page}.html").read_text(encoding="utf-8")


def body(gallery: Gallery, page: str) -> str:
    return re.search(r'<div class="ag.*', read(gallery, page), flags=re.DOTALL).group()


def parts_of(gallery: Gallery, page: str) -> list[str]:
    """Return all pages of a list, found on the disk."""
    folder = LISTS.get(page, page)
    later = [path for path in gallery.pages() if re.fullmatch(rf"{folder}/page-\d+", path)]
    return [page, *sorted(later)]


def list_of(number: int, per_page: int = 24, first: str = "index") -> list[ListPage]:
    return list(list_pages(first, results(number), per_page))


def test_list_pages_cover_all_images_once_in_order():
    every = results(61)
    pages = list(list_pages("gallery/compare", every, 24))
    assert [result for page in pages for result in page.results] == every
    assert [page.path for page in pages] == [f"gallery/compare{end}" for end in ("", "/page-2", "/page-3")]
    assert [page.summary(page.number) for page in pages] == [
        "Images 1–24 of 61",
        "Images 25–48 of 61",
        "Images 49–61 of 61",
    ]
    assert [page.title("X") for page in pages][:2] == ["X", "X · Images 25–48 of 61"]


@pytest.mark.parametrize(("number", "summary"), [(25, "Image 25 of 25"), (26, "Images 25–26 of 26")])
def test_what_a_last_page_says(number, summary):
    assert list_of(number)[-1].links.summary == summary


@pytest.mark.parametrize("number", [1, 24])
def test_a_list_that_fits_has_one_page_and_no_links(number):
    (page,) = list_of(number)
    assert page.path == "index" and page.links is None and page.title("X") == "X"
    assert page.crumbs(title="Home") == ()


def test_numbered_links_are_few_with_the_first_and_the_last_among_them():
    pages = list_of(300, 10, "gallery/images/index")
    shown = {
        page.number: " ".join("… " * number.gap + number.text for number in page.links.numbers)
        for page in pages
    }
    assert shown[1] == "1 2 3 … 30"
    assert shown[4] == "1 2 3 4 5 6 … 30"
    assert shown[15] == "1 … 13 14 15 16 17 … 30"
    assert shown[30] == "1 … 28 29 30"
    first, middle, last = pages[0].links, pages[14].links, pages[29].links
    assert first.previous is None and last.following is None
    assert (middle.previous.href, middle.following.href) == ("page-14.html", "page-16.html")
    assert (first.following.href, middle.numbers[0].href) == ("index/page-2.html", "../index.html")
    assert [number.href for number in middle.numbers if number.text == "15"] == [None]
    assert middle.numbers[1].label == "Page 13: Images 121–130 of 300"


def test_every_link_of_a_paged_gallery_resolves_and_no_page_takes_anothers_place(paged):
    assert broken_links(paged.site) == []
    assert sorted(image["slug"] for image in paged.manifest["images"]) == sorted((*SLUGS, "broken"))
    for slug in SLUGS:
        assert f"<h1>{slug.removesuffix('-png')}.png</h1>" in read(paged, f"gallery/images/{slug}")


@pytest.mark.parametrize(
    ("page", "count"), [("index", 3), ("gallery/images/index", 3), (LAYER, 3), ("gallery/compare", 3)]
)
def test_every_image_is_on_one_page_of_each_list(paged, page, count):
    parts = parts_of(paged, page)
    assert len(parts) == count
    shown = [set(re.findall(r">([\w-]+)\.png", body(paged, part))) for part in parts]
    for name in NAMES:
        assert sum(name in each for each in shown) == 1, name
    titles = {re.search("<h1>(.*?)</h1>", read(paged, part)).group(1) for part in parts}
    assert len(titles) == count
    total = 9 if page in (LAYER, "gallery/compare") else 10
    assert f"Images 5–8 of {total}" in read(paged, parts[1])


def test_links_to_a_list_lead_to_the_page_with_the_image(paged):
    for slug, images_page, layer_page in (
        ("a", "index", LAYER),
        ("home", "index/page-2", LAYER),
        ("images", "index/page-2", f"{LAYER}/page-2"),
        ("page-3", "index/page-3", f"{LAYER}/page-3"),
    ):
        assert f'<a href="{images_page}.html">Images</a>' in read(paged, f"gallery/images/{slug}")
        target = paths.link(f"gallery/images/{slug}/1-conv", f"{layer_page}.html")
        assert f'<a href="{target}">all images</a>' in read(paged, f"gallery/images/{slug}/1-conv")


def test_steps_between_layers_stay_with_the_same_images(paged):
    assert '<a rel="next" href="../3-act/page-2.html"' in read(paged, f"{LAYER}/page-2")


def test_health_is_told_once_for_all_images(paged):
    first, *later = (read(paged, part) for part in parts_of(paged, LAYER))
    assert 'id="health"' in first and "Over 9 images" in first
    for text in later:
        assert 'id="health"' not in text and '<a href="../1-conv.html#health">' in text


def test_search_finds_layers_and_images_but_neither_later_pages_nor_too_many(paged, gallery):
    def found(site: Path) -> set[str]:
        index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
        return {entry["location"].partition("#")[0] for entry in index["docs"]}

    locations = found(paged.site)
    assert {f"gallery/images/{slug}.html" for slug in SLUGS} <= locations
    assert {f"{LAYER}.html", "gallery/layers/3-act.html", "gallery/compare.html", "index.html"} <= locations
    pairs = re.compile(r"gallery/images/[\w-]+/\d+-[\w-]+\.html")
    assert not [each for each in locations if "/page-" in each.removeprefix("gallery/images/page-")]
    assert not any(map(pairs.fullmatch, locations))
    assert any(map(pairs.fullmatch, found(gallery.site)))


def test_no_page_grows_with_the_number_of_images(tmp_path):
    """Twice as many images: of every kind the largest page has as many pictures and a few links more."""
    largest = []
    for number in (8, 16):
        names = tuple(f"picture-{each:02d}" for each in range(number))
        sources = source_folder(make_gallery(tmp_path / str(number), names, 2, site=False))
        kinds: dict[str, tuple[int, int]] = {}
        for page in sources.rglob("*.md"):
            kind = re.sub(r"page-\d+|picture-\d+|\d-\w+", "*", page.relative_to(sources).as_posix())
            found = References(page.read_text(encoding="utf-8"))
            size = len(found.images), len(found.targets)
            kinds[kind] = max(size, kinds.get(kind, size))
        largest.append(kinds)
    few, many = largest
    assert few.keys() == many.keys() and len(few) >= 10
    for kind, (pictures, targets) in many.items():
        assert pictures == few[kind][0], kind
        assert targets <= few[kind][1] + 6, kind


def test_the_estimate_counts_later_pages_too():
    once, lists, compared = 2, 2 * 2, 3  # layers and model; home and images; 12 of 30 images side by side
    layers, images = 10 * 2, 30 * (1 + 10)
    assert (
        estimate.estimate(make_plan(layers=10, images=30)).pages == once + lists + compared + layers + images
    )


@pytest.mark.browser
def test_later_pages_are_reached_without_javascript(chromium, paged):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for start in ("index", LAYER, "gallery/compare"):
        page.goto((paged.site / f"{start}.html").as_uri())
        ways = page.locator(".ag-pages").first
        ways.get_by_role("link", name="Next").click()
        page.wait_for_url("**/page-2.html")
        assert page.locator(".ag-pages [aria-current]").first.inner_text() == "2"
        page.locator(".ag-pages").last.get_by_role("link", name="Page 3").click()
        page.wait_for_url("**/page-3.html")
        page.locator("nav.ag-crumbs a").last.click()
        page.wait_for_url(f"**/{start}.html")
    context.close()


@pytest.mark.browser
def test_the_explorer_and_the_comparison_say_which_images_they_cover(visit, paged):
    page = visit(paged, f"{LAYER}/page-2", "#c2")
    page.locator("dialog.ag-channel figure").first.wait_for()
    dialog = page.locator("dialog.ag-channel")
    assert dialog.locator("figure").count() == 4
    assert "the images on this page: Images 5–8 of 9. Their scale covers all images." in dialog.inner_text()
    page = visit(paged, "gallery/compare/page-2")
    assert "the images on this page: Images 5–8 of 9." in page.locator("section").inner_text()
    page.get_by_role("button", name="Compare").click()
    page.locator(".ag-against canvas").nth(2).wait_for()


@pytest.mark.browser
def test_where_there_is_one_page_the_explorer_says_nothing_of_pages(visit, gallery):
    page = visit(gallery, "gallery/layers/01-first-conv", "#c2")
    page.locator("dialog.ag-channel figure").first.wait_for()
    assert page.locator(".ag-pages").count() == 0
    assert "on this page" not in page.locator("dialog.ag-channel").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}], indirect=True, ids=["still"])
@pytest.mark.parametrize("path", ["gallery/home/page-2", "gallery/images/index/page-2", f"{LAYER}/page-2"])
def test_axe_finds_nothing_serious_on_later_pages(visit, paged, axe, path):  # noqa: F811
    page = visit(paged, path)
    page.evaluate(axe)
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => { document.body.dataset.mdColorScheme = scheme; }", scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert found_by_axe(page) == [], (scheme, width)
