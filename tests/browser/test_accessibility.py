"""The pages for everyone: axe-core's rules in light and dark, wide and narrow, and pages that keep still."""

import pytest
from websites import KINDS, LOOKS, axe, found_by_axe  # noqa: F401 - axe is a fixture

STILL = {"reduced_motion": "reduce"}


@pytest.mark.browser
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_axe_finds_nothing_serious_in_light_and_dark_wide_and_narrow(visit, gallery, axe, path):  # noqa: F811
    page = visit(gallery, path)
    page.evaluate(axe)
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => { document.body.dataset.mdColorScheme = scheme; }", scheme)
        assert found_by_axe(page) == [], (scheme, width)


@pytest.mark.browser
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_axe_finds_nothing_serious_in_what_opens(visit, gallery, axe):  # noqa: F811
    for path in ("gallery/images/one/01-first-conv", "gallery/layers/01-first-conv"):
        page = visit(gallery, path, "#c3")
        page.locator("dialog.ag-channel figure").first.wait_for()
        page.evaluate(axe)
        for scheme, width in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("scheme => { document.body.dataset.mdColorScheme = scheme; }", scheme)
            assert found_by_axe(page) == [], (path, scheme, width)
    page = visit(gallery, "gallery/compare")
    page.get_by_role("button", name="Compare").click()
    page.locator(".ag-against canvas").nth(2).wait_for()
    page.evaluate(axe)
    assert found_by_axe(page) == []


@pytest.mark.browser
def test_axe_finds_what_is_wrong(chromium, axe):  # noqa: F811
    page = chromium.new_page()
    page.set_content("<!doctype html><html lang='en'><title>x</title><main><h1>x</h1><img src='x'></main>")
    page.evaluate(axe)
    assert [each.partition(":")[0] for each in found_by_axe(page)] == ["image-alt"]
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_nothing_moves_by_itself_where_that_is_not_wanted(visit, gallery, path):
    page = visit(gallery, path)
    assert page.evaluate("[...document.images].filter(image => image.src.endsWith('.gif')).length") == 0
    moving = """[...document.querySelectorAll("*")].flatMap((element) => ["", "::before", "::after"].filter(
      (part) => {
        const style = getComputedStyle(element, part);
        const takes = `${style.transitionDuration}, ${style.animationDuration}`.split(", ");
        return takes.some((time) => parseFloat(time) > 0) && style.animationName + style.transitionProperty
          !== "noneall" && style.transitionProperty !== "none";
      }).map((part) => `${element.tagName}.${element.className}${part}`))"""
    assert page.evaluate(moving) == []
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.browser
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_players_play_only_on_request_and_stop_on_request(visit, gallery):
    page = visit(gallery, "index")
    players = page.locator(".ag-player")
    assert players.count() == 6
    for index in range(players.count()):
        player, image = players.nth(index), players.nth(index).locator("img")
        for key, ending in (("Play", ".gif"), ("Pause", ".png")):
            player.get_by_role("button", name=key).press("Enter")
            assert image.get_attribute("src").endswith(ending)
