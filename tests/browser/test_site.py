"""The finished website: every link and picture resolves, and it works in a browser without a server."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import open_picture
from websites import KINDS, References, broken_links, hostile_gallery  # noqa: F401 - a fixture


def test_every_link_and_picture_resolves(gallery):
    assert broken_links(gallery.site) == []


def test_the_link_check_finds_a_broken_link(tmp_path):
    (tmp_path / "a.html").write_text(
        "<a href='b.html'>x</a><img src='c.png'><a href='#there'>y</a><p id='here'>"
    )
    assert len(broken_links(tmp_path)) == 3


def test_pictures_have_size_alt_text_and_load_late(gallery):
    for page in KINDS:
        images = References((gallery.site / f"{page}.html").read_text(encoding="utf-8")).images
        ours = [image for image in images if image.get("decoding")]
        assert ours or page in ("gallery/layers/index", "gallery/model")
        for image in ours:
            path = gallery.site / Path(page).parent / image["src"]
            assert (int(image["width"]), int(image["height"])) == open_picture(path).size
            assert len(image["alt"]) > 10
        assert sum("loading" not in image for image in ours) <= 8


def test_manifest_describes_what_is_there(gallery):
    manifest = gallery.manifest
    assert manifest["format"] == 3
    assert manifest["model"]["file"] == "small.keras" and len(manifest["model"]["sha256"]) == 64
    assert manifest["model"]["input_shape"] == [40, 56, 3]
    layers = {layer["slug"]: layer for layer in manifest["layers"]}
    assert list(layers)[:2] == ["01-first-conv", "02-norm"]
    assert layers["04-drop"]["same_as"] == "03-relu"
    seen = {"size": [3, 3], "stride": [1, 1], "start": [0, 0], "whole": False}
    assert layers["01-first-conv"]["receptive_field"] == seen
    assert layers["10-up"]["receptive_field"] is None
    assert [image["file"] for image in manifest["images"]] == ["one.png", "ten10.webp", "two words.JPG"]
    for image in manifest["images"]:
        assert image["prediction"]["label"] in ("ant", "bee", "cow")
        assert 1 / 3 <= image["prediction"]["score"] <= 1
        for slug, entry in image["layers"].items():
            assert (gallery.site / entry.get("page", entry["grid"])).is_file() and (
                gallery.site / entry["grid"]
            ).is_file()
            single = layers[slug]["kind"].endswith(("Conv2D", "Pooling2D", "Conv2DTranspose"))
            assert ("channels" in entry) == single
            if single:
                assert len(entry["channels"]) == layers[slug]["channels"]
                assert all((gallery.site / path).is_file() for path in entry["channels"].values())


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("01-first-conv", "Each value sees 3×3 pixels of the input."),
        ("06-pool", "Each value sees 4×4 pixels of the input."),
        ("10-up", "How much of the input each value sees is unknown."),
        ("13-squeeze", "Global pooling makes one number of each whole map"),
    ],
)
def test_pages_tell_what_a_value_sees(gallery, slug, words):
    for page in (f"layers/{slug}", f"images/one/{slug}"):
        assert words in (gallery.site / f"gallery/{page}.html").read_text(encoding="utf-8")


def test_grids_have_a_cell_for_every_channel(gallery):
    """20 channels of 38×54, not a multiple of anything: every cell must hold its channel's picture."""
    entry = gallery.manifest["images"][0]["layers"]["01-first-conv"]
    grid = gallery.picture(entry["grid"])
    height, width = 39, 55
    columns = (grid.shape[1] - 1) // width
    assert grid.shape[0] == -(-20 // columns) * height + 1
    for channel, path in enumerate(entry["channels"].values()):
        top, left = channel // columns * height + 1, channel % columns * width + 1
        single = gallery.picture(path)
        factor = single.shape[0] // 38
        np.testing.assert_array_equal(
            grid[top : top + 38, left : left + 54], single[::factor, ::factor], err_msg=str(channel)
        )


def test_pages_are_front_matter_and_html(gallery):
    for path in gallery.sources.rglob("*.md"):
        _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
        assert {"title", "description"} <= yaml.safe_load(front).keys()
        assert re.match(r"\n<div class=\"ag[^>]*>\n", body) and body.endswith("</div>\n")


@pytest.mark.browser
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize(
    "visit",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}],
    indirect=True,
    ids=["desktop", "dark", "phone"],
)
def test_every_kind_of_page_opens_without_a_complaint(visit, gallery, path):
    page = visit(gallery, path)
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(100)


@pytest.mark.browser
def test_an_animation_loads_only_when_played_and_can_be_paused(visit, gallery):
    page = visit(gallery, "index")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    figure = page.locator(".ag-player").first
    image = figure.locator("img")
    assert image.get_attribute("src").endswith(".png")
    figure.get_by_role("button", name="Play").click()
    assert image.get_attribute("src").endswith("layers.gif")
    page.wait_for_function("document.querySelector('.ag-player img').complete")
    assert sum(url.endswith(".gif") for url in asked) == 1
    figure.get_by_role("button", name="Pause").click()
    assert image.get_attribute("src").endswith(".png")


@pytest.mark.browser
def test_an_animation_is_never_drawn_larger_than_it_is(visit, gallery):
    page = visit(gallery, "index")
    page.evaluate(
        "document.querySelectorAll('.ag-side tr > :nth-child(n + 3)').forEach((cell) => cell.remove())"
    )
    images = page.locator(".ag-stage img")
    assert images.count() == 2
    for image in images.all():
        assert image.evaluate("image => image.clientWidth === Number(image.getAttribute('width'))")
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


@pytest.mark.browser
def test_a_click_or_a_key_on_a_heading_sorts_the_table(visit, gallery):
    page = visit(gallery, "gallery/model")
    table = page.locator(".ag-sortable")

    def column(number: int) -> list[str]:
        return table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()

    def order() -> list[str | None]:
        return [heading.get_attribute("aria-sort") for heading in table.locator("th[scope=col]").all()]

    before = column(2)
    assert order() == ["ascending"] + [None] * 10 and len(before) > 5
    table.get_by_role("button", name="Zero").click()
    shares = [int(text.rstrip("%")) for text in column(8)]
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[-1]
    assert order() == [None] * 7 + ["descending"] + [None] * 3
    table.get_by_role("button", name="Layer").focus()
    page.keyboard.press("Enter")
    assert column(2) == sorted(before) and order()[1] == "ascending"
    page.keyboard.press("Enter")
    assert column(2) == sorted(before, reverse=True) and order()[1] == "descending"
    table.get_by_role("button", name="#").click()
    assert column(2) == before


@pytest.mark.browser
def test_without_javascript_the_health_is_a_plain_table(chromium, gallery):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((gallery.site / "gallery/model.html").as_uri())
    assert page.locator(".ag-sortable tbody tr").count() > 5
    assert page.locator(".ag-sortable button").count() == 0
    chart = page.locator("img.ag-chart")
    chart.scroll_into_view_if_needed()
    assert "Dead channels" in chart.get_attribute("alt")
    assert chart.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    context.close()


@pytest.mark.browser
def test_a_click_enlarges_a_picture_crisply_and_keys_step_on(visit, gallery):
    page = visit(gallery, "gallery/images/one/01-first-conv")
    page.locator(".ag-input a.ag-zoom").click()
    enlarged = page.locator("dialog.ag-viewer img").first
    enlarged.wait_for(state="visible")
    page.wait_for_function("document.querySelector('dialog img').clientWidth > 0")
    assert enlarged.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    assert enlarged.evaluate("image => image.clientWidth % image.naturalWidth") == 0
    first = enlarged.get_attribute("src")
    page.keyboard.press("ArrowRight")
    assert enlarged.get_attribute("src") != first
    page.keyboard.press("Escape")
    enlarged.wait_for(state="hidden")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("first_conv", "gallery/layers/01-first-conv.html"),
        ("conv", "gallery/layers/"),
        ("two words", "gallery/images/two-words.html"),
        ("one.png", "gallery/images/one.html"),
    ],
)
def test_search_works_without_a_server(visit, gallery, words, first):
    """Layers and images come first, not the pages of each layer of each image."""
    page = visit(gallery, "index")
    page.locator(".md-search__input").first.click()
    page.keyboard.type(words)
    result = page.locator(".md-search-result__item a").first
    result.wait_for(state="attached", timeout=10_000)
    assert words in page.locator(".md-search-result__list").inner_text()
    page.wait_for_function(
        "first => document.querySelector('.md-search-result__item a').href.includes(first)", arg=first
    )
    result.click()
    page.wait_for_url("**/gallery/**")
    page.locator("h1").wait_for()


@pytest.mark.browser
def test_without_javascript_pictures_and_links_are_there(chromium, gallery):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((gallery.site / "index.html").as_uri())
    assert page.locator(".ag-player a[href$='layers.gif'] img").count() == 3
    page.locator(".ag-side th a").first.click()
    page.wait_for_url("**/one.html")
    context.close()


def test_hostile_names_make_safe_paths(hostile_gallery):  # noqa: F811
    for path in hostile_gallery.sources.rglob("*"):
        assert re.fullmatch(r"[a-z0-9.-]+", path.name), path
    slugs = [image["slug"] for image in hostile_gallery.manifest["images"]]
    assert len({slug.lower() for slug in slugs}) == len(slugs) == 14
    assert broken_links(hostile_gallery.site) == []


def test_hostile_names_stay_text_in_the_html(hostile_gallery):  # noqa: F811
    for path in hostile_gallery.site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text and "<img src=x" not in text and "<b>model" not in text, path
        assert "49" not in re.sub(r"[^{}\d*]", "", "".join(re.findall(r"<title>(.*?)</title>", text))), path


@pytest.mark.browser
def test_hostile_names_run_nowhere(visit, hostile_gallery):  # noqa: F811
    """On every kind of page, in the navigation and in search."""
    seen = set()
    for path in hostile_gallery.pages():
        kind = (path.count("/"), path.split("/")[1] if "/" in path else path)
        if (kind, len(path) % 5) in seen:
            continue
        seen.add((kind, len(path) % 5))
        page = visit(hostile_gallery, path)
        page.wait_for_timeout(50)
        page.close()
    page = visit(hostile_gallery, "index")
    page.locator(".md-search__input").first.click()
    for words in ("alert", "script", "img"):
        page.locator(".md-search__input").first.fill("")
        page.keyboard.type(words)
        page.locator(".md-search-result__item").first.wait_for(state="attached", timeout=10_000)
        page.wait_for_timeout(300)
