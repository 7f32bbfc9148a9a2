"""Kinds of page: each is one module, one template of its name, and one entry in the list of all."""

from pathlib import Path

from conftest import ROOT

from generator.website import pages
from generator.website.pages.all_pages import KINDS


def names_of_kinds() -> list[str]:
    return [kind.__name__.rpartition(".")[2] for kind in KINDS]


def test_every_module_of_a_page_is_in_the_list_once():
    (folder,) = pages.__path__
    modules = {path.stem for path in Path(folder).glob("*.py")} - {"__init__", "all_pages"}
    assert sorted(names_of_kinds()) == sorted(modules)


def test_every_kind_has_a_template_of_its_name_and_names_no_other():
    for kind, name in zip(KINDS, names_of_kinds(), strict=True):
        assert (ROOT / f"templates/{name}.html.j2").is_file()
        source = Path(kind.__file__).read_text(encoding="utf-8")
        assert source.count(".html.j2") == source.count(f'template="{name}.html.j2"') == 1
