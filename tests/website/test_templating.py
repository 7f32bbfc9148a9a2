"""Templates of a project under names that the package's have no more, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from fakes import fake_models, small_project
from hostile import check_line

from generator.build import build, source_folder
from generator.core.errors import WebsiteError
from generator.website import templating

OLD, NEW = "decides.html.j2", "attribution.html.j2"
IMAGE = "image.html.j2"


def test_new_names_of_templates_exist_and_old_ones_do_not():
    for old, new in templating.RENAMED.items():
        assert (ROOT / "templates" / new).is_file() and not (ROOT / "templates" / old).exists()


@pytest.fixture
def own(tmp_path) -> Path:
    """A project's folder of templates."""
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def built(own: Path) -> tuple[str, list[str]]:
    """Build a gallery in a project that has templates; return an image's page and all that was told."""
    told = []
    settings = replace(small_project(own.parent), project=own.parent)
    build(settings, lambda step: told.append(step.text), models=fake_models())
    page = next((source_folder(settings) / "gallery/images").glob("*.md"))
    return page.read_text(encoding="utf-8"), told


def test_an_override_under_an_old_name_is_not_used_and_that_is_told_in_one_line(own):
    (own / OLD).write_text("<p>mine</p>")
    page, told = built(own)
    (line,) = [text for text in told if OLD in text]
    assert NEW in line and "rename" in line and "\n" not in line
    assert "mine" not in page


def test_an_override_under_the_new_name_is_used_and_nothing_is_told(own):
    (own / IMAGE).write_text(f'<div>{{% include "{NEW}" %}}</div>')
    (own / NEW).write_text("<p>mine</p>")
    page, told = built(own)
    assert "mine" in page
    assert not [text for text in told if OLD in text]


def test_who_includes_an_old_name_reads_the_new_one(own):
    (own / IMAGE).write_text(f'<div>\n{{% include "{OLD}" %}}</div>')
    with pytest.raises(WebsiteError, match=f"{IMAGE}, line 2: {OLD}, which is called {NEW} now") as caught:
        built(own)
    check_line(str(caught.value))
