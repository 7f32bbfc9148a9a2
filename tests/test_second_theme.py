"""The sources are no business of one theme: MkDocs' own makes a working website of them too."""

import pytest
import yaml
from conftest import ROOT, Gallery

from generator.website import build_website


@pytest.fixture(scope="module")
def plain(gallery, tmp_path_factory) -> Gallery:
    """Build the small gallery's sources with a theme that comes with MkDocs."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace('!ENV [SITE_URL, ""]', '""')
    config = yaml.safe_load(text)
    config |= {"theme": {"name": "readthedocs", "highlightjs": False}, "plugins": []}
    del config["extra"]
    folder = tmp_path_factory.mktemp("plain")
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    build_website(folder / "mkdocs.yml", gallery.sources, folder / "site", {})
    return Gallery(folder / "site", gallery.sources, gallery.manifest)


@pytest.mark.browser
@pytest.mark.parametrize("path", ["index", "gallery/images/one", "gallery/compare", "gallery/model"])
def test_pages_show_their_pictures_without_a_complaint(visit, plain, path):
    page = visit(plain, path)
    assert page.evaluate(
        """async () => {
            const images = [...document.querySelectorAll(".ag img")];
            for (const image of images) { image.loading = "eager"; }
            await Promise.all(images.map((image) => image.decode()));
            return images.every((image) => image.naturalWidth > 0);
        }"""
    )
    assert page.locator(".ag h1").is_visible()
    assert "None" not in page.locator("body").inner_text().split()


@pytest.mark.browser
def test_the_explorer_opens_a_channel(visit, plain):
    page = visit(plain, "gallery/images/one/01-first-conv")
    page.locator("figure[data-explore] img").click(position={"x": 8, "y": 8})
    page.locator("dialog.ag-channel").get_by_role("heading", name="Channel 0 of first_conv").wait_for()
    assert page.evaluate("getComputedStyle(document.querySelector('.ag figcaption')).textAlign") == "left"
