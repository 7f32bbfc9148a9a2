"""The website in Firefox, from a folder and from a server, with Firefox's own rules for both."""

import pytest
from conftest import serve
from websites import KINDS

pytestmark = pytest.mark.browser
LOADED = "[...document.querySelectorAll('img[src]:not([loading])')].every(image => image.naturalWidth)"


@pytest.fixture(scope="module")
def served(gallery):
    """Serve the small gallery on this machine; returns its address."""
    with serve(gallery.site) as address:
        yield address


@pytest.fixture(params=["folder", "server"])
def base(request, gallery):
    """The gallery's address, once in a folder and once on a server."""
    return gallery.site.as_uri() if request.param == "folder" else request.getfixturevalue("served")


def test_every_kind_of_page_opens_without_a_complaint_and_with_its_pictures(window, base):
    for path in KINDS:
        window.open(f"{base}/{path}.html")
        assert window.evaluate("document.querySelectorAll('h1').length") == 1
        assert window.evaluate(LOADED), path


def test_an_animation_plays_on_request_and_can_be_paused(window, base):
    window.open(f"{base}/index.html")
    image = "document.querySelector('.ag-player img')"
    assert window.evaluate(f"{image}.src").endswith(".png")
    window.click(".ag-play")
    assert window.evaluate(f"{image}.src").endswith("layers.gif")
    window.wait(f"{image}.complete && {image}.naturalWidth")
    window.press("Enter")
    assert window.evaluate(f"{image}.src").endswith(".png")


@pytest.mark.parametrize(
    ("words", "first"),
    [("first_conv", "gallery/layers/01-first-conv.html"), ("one.png", "gallery/images/one.html")],
)
def test_search_finds_a_layer_and_an_image_first(window, base, words, first):
    window.open(f"{base}/index.html")
    window.click(".md-search__input")
    window.press(*words)
    window.wait(f"document.querySelector('.md-search-result__item a')?.href.includes('{first}')")
    assert words in window.evaluate("document.querySelector('.md-search-result__list').textContent")


def test_the_enlarged_picture_opens_turns_and_closes_with_the_keyboard(window, base):
    window.open(f"{base}/gallery/images/one.html")
    viewer = "document.querySelector('.ag-viewer')"
    window.evaluate("document.querySelector('.ag-pair a.ag-zoom').focus()")
    window.press("Enter")
    window.wait(f"{viewer}.open && {viewer}.querySelector('img').naturalWidth")
    first = window.evaluate(f"{viewer}.querySelector('img').src")
    window.press("ArrowRight")
    assert window.evaluate(f"{viewer}.querySelector('img').src") != first
    window.press("ArrowLeft", "Escape")
    window.wait(f"!{viewer}.open")
    assert window.evaluate("document.activeElement.matches('.ag-pair a.ag-zoom')")


def test_the_window_keeps_firefox_own_rules_for_files(window, tmp_path):
    """Else these tests would pass where a visitor's page fails: a file may not fetch its neighbour."""
    (tmp_path / "page.html").write_text("<!doctype html><title>x</title>", encoding="utf-8")
    window.open((tmp_path / "page.html").as_uri())
    (tmp_path / "other.txt").write_text("x", encoding="utf-8")
    fetched = "fetch('other.txt').then(() => 'fetched', () => 'refused')"
    assert window.evaluate(fetched) == "refused"
    for _ in range(100):  # the complaint comes in its own time
        if not window.complaints:
            window.evaluate("new Promise(resolve => setTimeout(resolve, 50))")
    assert any("other.txt" in each for each in window.complaints)
    window.complaints.clear()
