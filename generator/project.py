"""A new project: the files that a gallery of one's own begins with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator import __version__, resources
from generator.errors import OutputError

MODELS, IMAGES = "models", "test_images"
ENDINGS = (".keras", ".h5", ".hdf5")
README = "README.md"
MARK = "<!-- gallery:start -->"


@dataclass(frozen=True)
class NewProject:
    """What was done: paths that were `written` and `kept`, and what a README of one's own lacks, `to_paste`.

    `model` is the path in the settings, relative to the folder, whether it is there or not.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    to_paste: str | None
    model: str


def new_project(folder: Path) -> NewProject:
    """Write what a project needs into `folder`, which is made where it is not there; replace nothing.

    Raises `OutputError` where `folder` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"expected a folder, received the file {folder}: choose another")
    model = _model(folder)
    written, kept = [], []
    for path, content in _files(folder, model):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with (folder / path).open("x", encoding="utf-8", newline="\n") as file:
                file.write(content)
            written.append(path)
        except FileExistsError:
            kept.append(path)
    has_place = README in written or MARK in (folder / README).read_text(encoding="utf-8", errors="replace")
    return NewProject(tuple(written), tuple(kept), None if has_place else _template(README), model)


def _files(folder: Path, model: str) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file."""
    yield "gallery.toml", _settings(model)
    yield "mkdocs.yml", resources.MKDOCS_CONFIG.read_text(encoding="utf-8")
    yield "requirements.txt", f"activation-gallery=={__version__}\n"
    yield ".gitignore", _template("gitignore")
    yield ".github/workflows/pages.yml", _template("pages.yml")
    for each in (MODELS, IMAGES):  # git keeps no empty folder
        if not (folder / each).is_dir():
            yield f"{each}/.gitkeep", ""
    yield README, _template(README)


def _model(folder: Path) -> str:
    """Return the only model file in the folder or in its `models`, else what one may be called."""
    paths = [path for place in (folder, folder / MODELS) if place.is_dir() for path in place.iterdir()]
    found = [path for path in paths if path.suffix.lower() in ENDINGS and path.name.isprintable()]
    return found[0].relative_to(folder).as_posix() if len(found) == 1 else f"{MODELS}/model.keras"


def _settings(model: str) -> str:
    """Return this project's own settings, every one with its comment, for another model."""
    text = resources.SETTINGS.read_text(encoding="utf-8")
    text = text.replace('"models/cats_and_dogs.hdf5"', json.dumps(model, ensure_ascii=False))
    return text.replace("models/cats_and_dogs", f"{MODELS}/model")


def _template(name: str) -> str:
    return (resources.TEMPLATES / "project" / name).read_text(encoding="utf-8")
