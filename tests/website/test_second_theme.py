"""The sources are no business of one theme: MkDocs' own and Zensical make working websites of them too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Gallery

from generator.website.mkdocs import build_website


def recipe() -> dict:
    """Return what the README tells people to write into `mkdocs.yml` for MkDocs' own theme."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = readme.partition("**MkDocs' own theme**: ")[2].partition(" in your `mkdocs.yml`")[0]
    return yaml.safe_load("\n".join(re.findall("`([^`]*)`", told)))


@pytest.fixture(scope="module", params=["readthedocs", "zensical"])
def plain(request, gallery, tmp_path_factory) -> Gallery:
    """Build the small gallery's sources with a theme that comes with MkDocs, and without MkDocs."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace('!ENV [SITE_URL, ""]', '""')
    folder = tmp_path_factory.mktemp("plain")
    if request.param == "zensical":
        (folder / "mkdocs.yml").write_text(text, encoding="utf-8")
        shutil.copytree(gallery.sources, folder / "site_src")
        program = Path(sys.executable).with_name("zensical")
        subprocess.run([program, "build", "--strict"], cwd=folder, check=True, timeout=120)
    else:
        config = yaml.safe_load(text) | recipe()
        del config["extra"]
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


def test_previews_for_links_come_with_our_build_and_not_with_zensical(request, plain):
    text = (plain.site / "index.html").read_text(encoding="utf-8")
    assert ("og:title" in text) == ("readthedocs" in request.node.name)
