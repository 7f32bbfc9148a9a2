"""No framework is named outside the folder of the extractor that runs models with it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import ROOT

from generator.core.facts import FileKind
from generator.model import extractor

PACKAGE = ROOT / "generator"
OWN = PACKAGE / "model" / "keras"
FRAMEWORK = re.compile("keras|tensorflow|(^|_)tf(_|$)", re.IGNORECASE)
LAZY_IMPORT = ("model/extractor.py", "generator.model.keras")


def names(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier, and every string that could be one: of a package, a variable, a module."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(node, ast.Constant):
                if field == "value" and isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*", value):
                    yield value.removesuffix(".keras")  # the ending of a file
            else:
                yield from (each for each in (value if isinstance(value, list) else [value])
                            if isinstance(each, str))  # fmt: skip


def test_no_name_outside_its_folder_is_that_of_a_framework():
    modules = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(OWN)]
    assert len(modules) > 30
    found = [
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in modules
        for name in names(ast.parse(path.read_text(encoding="utf-8")))
        if FRAMEWORK.search(name)
    ]
    assert found == [LAZY_IMPORT]


@pytest.mark.parametrize(
    "code",
    ["import keras", "from tensorflow import x", "import a.keras.b as c", "a.tf_function", "f(keras=1)",
     "def f(tensorflow): pass", "class KerasThing: pass", "x = f'{keras}'", "version('tensorflow')",
     "environ['TF_LEVEL']"],
)  # fmt: skip
def test_such_names_are_found(code):
    assert any(map(FRAMEWORK.search, names(ast.parse(code))))


@pytest.mark.parametrize("code", ["'Keras runs on it'", "'model.keras'", "'.keras'", "transfer(left)"])
def test_words_and_endings_of_files_are_no_such_names(code):
    assert not any(map(FRAMEWORK.search, names(ast.parse(code))))


@pytest.mark.parametrize("kind", FileKind)
def test_what_a_model_relies_on_is_told_without_its_framework(kind):
    assert extractor.packages_of(kind) and extractor.switches_of(kind)
    code = (
        "import sys; from generator.core.facts import FileKind; from generator.model import extractor\n"
        f"extractor.packages_of(FileKind.{kind.name}), extractor.switches_of(FileKind.{kind.name})\n"
        "extractor.calming_variables(), extractor.chatty_loggers()\n"
        "assert not {'keras', 'tensorflow', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
