"""A new project: the files that a gallery of one's own begins with."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator import __version__
from generator.core import resources
from generator.core.errors import OutputError, SettingsError
from generator.core.files import resolved
from generator.core.settings_file import CONFIG_NAME
from generator.core.settings_reference import settings_toml
from generator.storage import writing

MODELS, IMAGES = "models", "test_images"
ENDINGS = (".keras", ".h5", ".hdf5")
README, MARKER = "README.md", "<!-- gallery:start -->"
WORKFLOW = ".github/workflows/pages.yml"
LISTS = (".gitignore", "requirements.txt")  # where they are kept, the rest works only with our lines in them


@dataclass(frozen=True, kw_only=True)
class NewProject:
    """What was done: paths `written` and `kept`, and by path the text `to_add` to what was kept.

    `model` is the path that `gallery.toml` was given, `None` where that was there before; `found` says
    whether a model lies there. `below` is the way to the project from the root of the git repository that it
    lies in, `None` where it is that root, or in none.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    to_add: Mapping[str, str]
    model: str | None
    found: bool
    below: str | None = None


def new_project(folder: Path) -> NewProject:
    """Write what a project needs into `folder`, which is made where it is not there; replace nothing.

    Raises `OutputError` where a file lies in the way of a folder, before anything is written, and where a
    file cannot be written; under no name there is ever a part of one.
    """
    found = _model(folder)
    model = found or f"{MODELS}/model.keras"
    files = dict(_files(folder, model))
    _check(folder, files)
    written, kept = [], []
    for path, content in files.items():
        if os.path.lexists(folder / path):  # a link that leads nowhere is somebody's as well
            kept.append(path)
        else:
            writing.write_whole(folder / path, content.encode())
            written.append(path)
    missing = {path: _missing(folder / path, files[path]) for path in kept if path in (README, *LISTS)}
    return NewProject(
        written=tuple(written),
        kept=tuple(kept),
        to_add={path: text for path, text in missing.items() if text},
        model=model if CONFIG_NAME in written else None,
        found=found is not None,
        below=_below(resolved(folder)),
    )


def check_model(model: Path, config: str) -> None:
    """Raise `SettingsError` where `model`, which `config` names, is not there, but another one alone is."""
    others = () if model.exists() else _models_in(model.parent)
    if len(others) == 1:
        raise SettingsError(
            f"expected the model {model.name}, as {config} says, received a folder with "
            f"{others[0].name} alone: name that in the line model = … of {config}"
        )


def _below(folder: Path) -> str | None:
    """Return the path of `folder` below the root of its repository, `None` where it is one or in none."""
    roots = (each for each in (folder, *folder.parents) if (each / ".git").exists())
    root = next(roots, folder)
    return None if root == folder else folder.relative_to(root).as_posix()


def _files(folder: Path, model: str) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file."""
    yield CONFIG_NAME, settings_toml(model, IMAGES)
    yield "mkdocs.yml", resources.MKDOCS_CONFIG.read_text(encoding="utf-8")
    yield "requirements.txt", f"activation-gallery=={__version__}\n"
    yield ".gitignore", _template("gitignore")
    yield WORKFLOW, _template("pages.yml")
    for each in (MODELS, IMAGES):  # git keeps no empty folder
        if not (folder / each).is_dir():
            yield f"{each}/.gitkeep", ""
    yield README, _template(README)


def _check(folder: Path, paths: Mapping[str, str]) -> None:
    """Raise `OutputError` where a file lies where a folder has to be."""
    for path in paths:
        nearest = next(each for each in (folder / path).absolute().parents if os.path.lexists(each))
        if not nearest.is_dir():
            raise OutputError(f"expected a folder, received the file {nearest}: move it, or choose another")


def _missing(path: Path, ours: str) -> str:
    """Return what a kept file needs of ours: a README the section without its marker, a list absent lines."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # unreadable, or a link that leads nowhere
        text = ""
    if path.name == README:
        return "" if MARKER in text else ours
    if path.name == "requirements.txt" and "activation-gallery" in text:  # of another version or place
        return ""
    there = set(text.splitlines())
    absent = [line for line in ours.splitlines() if line not in there and not line.startswith("#")]
    return "".join(f"{line}\n" for line in absent)


def _model(folder: Path) -> str | None:
    """Return the path of the only model in the folder and its `models`, if a settings file can name it."""
    found = [*_models_in(folder), *_models_in(folder / MODELS)]
    names = [path.relative_to(folder).as_posix() for path in found]
    return names[0] if len(names) == 1 and names[0].isprintable() else None


def _models_in(folder: Path) -> list[Path]:
    """Return the model files in `folder`, by their names; none where there is no such folder."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return [path for path in paths if path.suffix.lower() in ENDINGS and path.is_file()]


def _template(name: str) -> str:
    return (resources.TEMPLATES / "project" / name).read_text(encoding="utf-8")
