"""The pages for everyone: axe-core's rules in light and dark, wide and narrow, and pages that keep still."""

import pytest
from conftest import ROOT
from websites import KINDS

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = [(scheme, width) for scheme in ("default", "slate") for width in (1280, 390)]  # light and dark
STILL = {"reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `make lint` installs."""
    if not AXE.is_file():
        pytest.skip("optional: axe-core is not installed: npm ci")
    return AXE.read_text(encoding="utf-8")


def found_by_axe(page) -> list[str]:
    """Return what axe-core calls serious or critical, each with the first element concerned."""
    options = {"resultTypes": ["violations"], "preload": False}  # a page on the disk may not fetch
    violations = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.browser
@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_axe_finds_nothing_serious_in_light_and_dark_wide_and_narrow(visit, gallery, axe, path):
    page = visit(gallery, path)
    page.evaluate(axe)
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("scheme => { document.body.dataset.mdColorScheme = scheme; }", scheme)
        assert found_by_axe(page) == [], (scheme, width)


@pytest.mark.browser
@pytest.mark.parametrize("visit", [STILL], indirect=True, ids=["still"])
def test_axe_finds_nothing_serious_in_what_opens(visit, gallery, axe):
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
def test_axe_finds_what_is_wrong(chromium, axe):
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
