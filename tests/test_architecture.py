"""The module table of ARCHITECTURE.md is true."""

import ast
import re
import sys

from conftest import ROOT


def table() -> dict[str, set[str]]:
    """Read which modules each module may import from ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)\.py` \|[^|]*\| ([^|]*) \|$", text, flags=re.MULTILINE)
    return {name: set(re.findall(r"[\w/]+", allowed)) - {"nothing"} for name, allowed in rows}


def imports(name: str) -> set[str]:
    """Return what a module imports besides the standard library, ours by their path in the package."""
    tree = ast.parse((ROOT / "generator" / f"{name}.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in ("generator", "generator.model"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    ours = {
        each.removeprefix("generator.").replace(".", "/") for each in found if each.startswith("generator.")
    }
    others = {each.partition(".")[0] for each in found if not each.startswith("generator")}
    return ours | (others - set(sys.stdlib_module_names))


def test_every_module_is_in_the_table_and_imports_only_what_it_may():
    allowed = table()
    modules = {
        path.relative_to(ROOT / "generator").with_suffix("").as_posix()
        for path in (ROOT / "generator").rglob("*.py")
        if not path.name.startswith("__")
    }
    assert modules == set(allowed)
    for name in sorted(modules):
        assert imports(name) <= allowed[name], f"{name} imports {imports(name) - allowed[name]} too"


def lines_of_code(source: str) -> int:
    """Count lines that are not blank, comment or docstring."""
    tree = ast.parse(source)
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            documented |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and n not in documented for n, line in lines
    )


def test_the_package_stays_small_and_its_functions_short():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "generator").rglob("*.py")]
    assert sum(map(lines_of_code, sources)) < 9000
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 65, node.name
