"""The scripts of the pages: how they are divided, and that a project's list of scripts remains enough."""

import re

import pytest
import yaml
from conftest import ROOT, Gallery, serve

from generator.core import resources
from generator.website.mkdocs import build_website

FOLDER = ROOT / "site_src/js"
SCRIPTS = sorted(FOLDER.rglob("*.js"))
NAMES = [path.relative_to(FOLDER).as_posix() for path in SCRIPTS]
# What `mkdocs.yml` of a project may list that was begun before the scripts were divided.
FIRST_LIST = ["gallery", "maps", "elements", "explorer", "compare", "sort"]
INSIDE = re.compile(
    r'\s|//|/\*\*|"use strict";|}\)\(\);'
)  # lines that are no start of a statement, or its end
GRID = "gallery/images/one/01-first-conv"


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_a_script_is_short_strict_and_says_what_it_needs_and_offers(path):
    text = path.read_text(encoding="utf-8")
    comment, strict, _ = text.partition('\n"use strict";\n')
    assert strict and all(line.startswith("//") for line in comment.splitlines())
    assert comment.startswith("// activation-gallery: ")
    assert "\n// Needs: " in comment and "\n// Offers: " in comment
    assert len(text.splitlines()) <= 250


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_a_script_asks_for_nothing_and_takes_no_text_for_html(path):
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bfetch\(|XMLHttpRequest|\beval\("
    assert re.findall(forbidden, path.read_text(encoding="utf-8")) == []


def test_the_scripts_share_one_name_and_each_adds_one_part_to_it():
    """What begins at the margin is all that a classic script can leave in the page."""
    parts = []
    for path in SCRIPTS:
        lines = path.read_text(encoding="utf-8").splitlines()
        starts = [line for line in lines if line and not INSIDE.match(line)]
        if path.name == "maps.js":
            assert starts.pop(0) == "const activationGallery = {};"
        (start,) = starts
        if start != "(() => {":
            parts += re.fullmatch(r"activationGallery\.(\w+) = \(\(\) => {", start).groups()
    assert len(parts) == len(set(parts)) > 10


def test_every_script_is_listed_or_loaded_by_maps():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- js/(\S+\.js)", config, flags=re.MULTILINE)
    maps = (FOLDER / "maps.js").read_text(encoding="utf-8")
    loaded = [f"{name}.js" for name in re.findall(r'"(\w+/[\w-]+)"', maps)]
    assert sorted(listed + loaded) == sorted(NAMES)
    assert [f"{name}.js" for name in FIRST_LIST] == listed[1:]


@pytest.fixture(scope="module")
def older(gallery, tmp_path_factory) -> Gallery:
    """Build the small gallery's website with an `mkdocs.yml` from before the scripts were divided."""
    folder = tmp_path_factory.mktemp("older")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace('!ENV [SITE_URL, ""]', '""')
    scripts = [f"js/{name}.js" for name in FIRST_LIST]
    config = yaml.safe_load(text) | {"extra_javascript": scripts}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    build_website(folder / "mkdocs.yml", gallery.sources, folder / "site", resources.assets())
    return Gallery(folder / "site", gallery.sources, gallery.manifest)


@pytest.mark.browser
def test_a_project_with_the_first_list_of_scripts_has_a_working_explorer(visit, older):
    page = visit(older, GRID)
    assert "js/explorer/" not in (older.site / f"{GRID}.html").read_text(encoding="utf-8")
    page.select_option("select[name=order]", "mean")
    page.locator(".ag-live canvas:visible").wait_for()
    page.locator(".ag-live").click(position={"x": 8, "y": 8})
    page.locator("dialog.ag-channel figure").wait_for()
    page = visit(older, "gallery/compare")
    page.get_by_role("button", name="Compare").click()
    page.locator(".ag-against canvas").nth(2).wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "part", "made"),
    [(GRID, "js/explorer/grid.js", ".ag-controls"), ("gallery/compare", "js/compare/pane.js", "#against")],
)
def test_where_a_part_cannot_be_read_the_page_is_as_without_scripts(chromium, gallery, path, part, made):
    page, errors = chromium.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(f"**/{part}", lambda route: route.abort())
    with serve(gallery.site) as address:
        page.goto(f"{address}/{path}.html")
        page.wait_for_load_state("load")
        assert page.locator(made).count() == 0 and page.locator("[data-explore] img").first.is_visible()
        page.close()
    assert errors == []


@pytest.mark.browser
def test_a_colour_bar_has_as_many_digits_at_one_end_as_at_the_other(visit, gallery):
    page = visit(gallery, GRID)
    ends = page.evaluate(
        """() => {
            const { legend } = activationGallery;
            const colours = { scales: { images: { low: "", high: "" } } };
            const rangeOf = () => [-12345.6, 12345.6];
            const grid = { data: { colours }, scale: "images", table: [], rangeOf };
            legend.makeLegend(document.querySelector(".ag-legend"), true).showEnds(grid);
            return [...document.querySelectorAll(".ag-legend .ag-bar span")].map((span) => span.textContent);
        }"""
    )
    assert ends == ["−12350", "", "12350"]
