"""The table of folders in ARCHITECTURE.md is true, and the package keeps its bounds."""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

from conftest import ROOT

PACKAGE = ROOT / "generator"
TOP = "generator"  # the row of the modules that lie in no folder
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def folder_of(path: Path) -> str:
    """Return the row of the table that a module belongs to."""
    inner = path.relative_to(PACKAGE).parent.as_posix()
    return TOP if inner == "." else inner


def module_path(name: str) -> Path | None:
    """Return the file of a module of ours by its dotted name."""
    path = ROOT / Path(*name.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the folders of ours and the packages of others that a module imports, without its own folder."""
    ours, others = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [each if module_path(each) else node.module for each in inner]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "generator":
                found = module_path(name)
                ours |= {folder_of(found)} if found else set()
            else:
                others.add(name.split(".")[0])
    return ours - {folder_of(path)}, others - set(sys.stdlib_module_names)


def table() -> dict[str, tuple[set[str], set[str]]]:
    """Read from ARCHITECTURE.md what the modules of each folder may import: folders and packages."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)` \|[^|]*\|([^|]*)\|([^|]*)\|$", text, flags=re.MULTILINE)
    return {
        name: tuple(set(re.findall(r"[\w/]+", cell)) - {"nothing"} for cell in cells) for name, *cells in rows
    }


def test_the_table_allows_exactly_what_is_imported():
    used: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for path in MODULES:
        for kept, found in zip(used[folder_of(path)], imports(path), strict=True):
            kept |= found
    assert table() == used


def test_folders_depend_on_each_other_in_one_direction():
    arrows, done = {name: set(allowed) for name, (allowed, _) in table().items()}, set()
    while arrows:
        free = {name for name, allowed in arrows.items() if allowed <= done}
        assert free, f"a circle among {sorted(arrows)}"
        done |= free
        arrows = {name: allowed for name, allowed in arrows.items() if name not in free}


def test_functions_and_modules_are_short():
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 400, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 65, f"{path}: {node.name}"
