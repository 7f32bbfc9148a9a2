"""What a build starts from: where it lies, and whether it is what it was."""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator import images
from generator.core import plan, resources
from generator.core.errors import ImageError, SettingsError
from generator.core.facts import FileKind
from generator.core.records import InputImage
from generator.core.setting import Affects
from generator.core.settings import Settings, default_labels, values_affecting
from generator.model.extractor import packages_of, switches_of
from generator.storage import cache
from generator.storage.sources import SourceFolder
from generator.website.mkdocs_yml import is_passed_on

FARTHER = (b"custom_dir", b"hooks", b"INHERIT")  # in an mkdocs.yml: what leads to files not looked at here


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a build starts from.

    `model`, `tools` and `all` are fingerprints: of the model's bytes, of the programs, and of everything.
    `others` has the digests of the pictures for further inputs, by input and file. `stamps` tells whether a
    file was written since: see `take_stamps`.
    """

    images: tuple[InputImage, ...]
    labels: tuple[str, ...]
    model: str
    others: dict[str, dict[str, str]]
    tools: str
    all: str
    stamps: dict[str, tuple[int, ...] | None]


def read_inputs(settings: Settings, sources: SourceFolder, kind: FileKind) -> Inputs:
    """Read every file that the website is made from; `kind` is that of the model's file."""
    foreign = sources.foreign()
    stamps = take_stamps(settings, foreign.values())  # before any of them is read
    found, labels, model = find_inputs(settings.images), read_labels(settings), images.digest(settings.model)
    others = {name: cache.digest_files(Path(fed), "*") for name, fed in settings.inputs.items()}
    tools = cache.toolchain(packages_of(kind), switches_of(kind))
    config = mkdocs_config(settings).read_bytes()
    own = settings.project and cache.digest_files(settings.project / "templates", "*")
    everything = cache.fingerprint(
        values_affecting(settings, Affects.ANYTHING), found, labels, model, others, tools, own,
        cache.digest_files(resources.TEMPLATES, "*"),
        {path: hashlib.sha256(content).hexdigest() for path, content in resources.assets().items()},
        {path: images.digest(file) for path, file in foreign.items()},
        hashlib.sha256(config).hexdigest(), os.environ.get("SITE_URL"), _variables(config),
        time.time_ns() if any(each in config for each in FARTHER) else None,
    )  # fmt: skip
    return Inputs(
        images=found, labels=labels, model=model, others=others, tools=tools, all=everything, stamps=stamps
    )


def take_stamps(settings: Settings, foreign: Iterable[Path]) -> dict[str, tuple[int, ...] | None]:
    """Return a stamp of every file that the website is made from, by path.

    `foreign` are the files among the sources that no build has written; see `SourceFolder.foreign`.
    Two equal results mean that no file was written, replaced, added or removed in between, even where it was
    changed back, which digests cannot tell. See `stamp`.
    """
    pictures = (path for path in settings.images.glob("*") if path.suffix.lower() in images.FORMATS)
    files = [settings.model, mkdocs_config(settings), *sorted(pictures)]
    files += [labels_file(settings)] if not isinstance(settings.labels, tuple) else []
    folders = [*map(Path, settings.inputs.values()), resources.TEMPLATES, *resources.ASSETS]
    folders += [settings.project / "templates"] if settings.project else []
    files += [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*"))]
    files += foreign
    return {str(path): stamp(path) for path in files}


def stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever a file is written or replaced; `None` where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _variables(config: bytes) -> dict[str, str]:
    """Return the environment variables that an mkdocs.yml gets with `!ENV`: those that it names."""
    words = set(re.findall(r"\w+", config.decode(errors="replace"))) if b"!ENV" in config else set()
    return {name: os.environ[name] for name in sorted(words & os.environ.keys()) if is_passed_on(name)}


def find_inputs(folder: Path) -> tuple[InputImage, ...]:
    """Return the test images in `folder` in natural order, with their slugs and digests."""
    paths = images.find_images(folder)
    slugs = plan.image_slugs(path.name for path in paths)
    found = []
    for path, slug in zip(paths, slugs, strict=True):
        digest, wrong = "", None
        try:
            images.check_file(path)
            digest = images.digest(path)
        except ImageError as error:
            wrong = str(error)
        except OSError as error:
            wrong = f"expected a readable file: {error.strerror}"
        found.append(InputImage(name=path.name, slug=slug, path=path, digest=digest, error=wrong))
    return tuple(found)


def read_labels(settings: Settings) -> tuple[str, ...]:
    """Return the class names: from the settings, else from `<model>.labels.txt`, else none."""
    if isinstance(settings.labels, tuple):
        return settings.labels
    path = labels_file(settings)
    if settings.labels is None and not path.is_file():
        return ()
    if path.exists() and not path.is_file():  # a pipe would keep us waiting
        raise SettingsError(
            f"expected a text file of labels, received {path.name}, which is no file: name one"
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"expected a text file of labels, received {path.name}: {error}") from None
    return tuple(line.strip() for line in lines if line.strip())


def labels_file(settings: Settings) -> Path:
    """Return where the class names lie, unless the settings list them: there need not be such a file."""
    return settings.labels or default_labels(settings.model)


def source_folder(settings: Settings) -> Path:
    """Return where the Markdown goes: the project's site_src, else a folder beside the output."""
    if settings.project:
        return settings.project / "site_src"
    return settings.output.parent / f"{settings.output.name}_src"


def mkdocs_config(settings: Settings) -> Path:
    """Return the project's mkdocs.yml, or the packaged one where it has none."""
    own = settings.project / "mkdocs.yml" if settings.project else None
    return own if own and own.is_file() else resources.MKDOCS_CONFIG
