"""The folder of a website: whether it is ours, what it consists of, and how a new one takes its place."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from generator.core.errors import OutputError
from generator.core.files import resolved, said, walk
from generator.storage.writing import has_all, locked, read_record, size_of

SITE_RECORD = ".activation-gallery.json"  # in a website: all its files
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave wherever someone looks


def check_website_folder(folder: Path, inputs: Iterable[Path]) -> None:
    """Raise `OutputError` unless `folder` is absent, empty or a website of ours, and holds no input."""
    folder = resolved(folder)
    if folder == Path(folder.anchor) or folder == resolved(Path.home()):
        raise OutputError(f"expected an output folder of its own, received {folder}: choose another --output")
    parent = next(each for each in folder.parents if each.exists())
    if not parent.is_dir():
        raise OutputError(
            f"expected a folder to write into, received the file {parent}: choose another --output"
        )
    for path in inputs:
        if resolved(path).is_relative_to(folder):
            raise OutputError(
                f"expected an output folder without inputs, received {folder}, which holds {path.name}: "
                "choose another --output"
            )
    if folder.is_symlink():
        raise OutputError(
            f"expected an output folder, received {folder}, a link that leads in a circle: "
            "choose another --output"
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"expected an output folder, received the file {folder}: choose another --output")
    for beside in (_old_folder(folder), staging_folder(folder)):
        if os.path.lexists(beside) and not _is_ours(beside):
            raise OutputError(
                f"expected to use {beside} meanwhile, received one that is not ours: move it away"
            )
    ours = read_record(folder / SITE_RECORD)
    foreign = sorted(path for path, _ in _website_walk(folder) if path not in ours)
    if foreign:
        raise OutputError(
            f"expected an empty folder or an earlier gallery, received {folder} with other files in it, "
            f"such as {foreign[0]}: move them away or choose another --output"
        )


def _is_ours(folder: Path) -> bool:
    """Whether a folder beside a website is one of ours: it has the record, or nothing at all."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    with said("read", folder):
        return (folder / SITE_RECORD).is_file() or not any(folder.iterdir())


def sign_website(folder: Path) -> dict[str, int]:
    """Record which files a finished website consists of, so that no others are ever taken for ours.

    Returns their sizes in bytes by path.
    """
    with said("write", folder):
        sizes = {path: size_of(entry) for path, entry in sorted(_website_walk(folder))}
        (folder / SITE_RECORD).write_text(json.dumps(sizes), encoding="utf-8")
    return sizes


def is_whole_website(folder: Path) -> bool:
    """Whether a website of ours has all its files, of the sizes that they were made with."""
    sizes = read_record(folder / SITE_RECORD)
    return bool(sizes) and has_all(folder, sizes)


def website_files(folder: Path) -> dict[str, int]:
    """Return the files of a finished website of ours by path, with their sizes in bytes, sorted.

    An old website is put back first where a build was cut off; see `recover`. Raises `OutputError` where
    `folder` holds no such website, or files are missing or were changed.
    """
    if _is_cut_off(resolved(folder)):
        with locked(folder):
            recover(folder)
    sizes = recorded_files(folder)
    if "index.html" not in sizes:
        raise OutputError(
            f"expected the website of a gallery, received {folder}, which is none: "
            "build it first, or choose another --output"
        )
    if not has_all(folder, sizes):
        raise OutputError(
            f"expected every file of the website as it was built, received {folder} with files that are "
            "missing or changed: build it again"
        )
    return sizes


def recorded_files(folder: Path) -> dict[str, int]:
    """Return which files a website of ours consists of by its record, with their sizes in bytes, sorted."""
    return dict(sorted(read_record(folder / SITE_RECORD).items()))


def _website_walk(folder: Path) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield the files of a website, without its record and litter."""
    return (found for found in walk(folder) if found[0] != SITE_RECORD and found[1].name not in LITTER)


@contextmanager
def successor(folder: Path, wanted: Mapping[str, int]) -> Iterator[Path]:
    """Lend a new folder, which takes the place of the website in `folder` when all went well.

    `wanted` are the files that must be in it by then, with their sizes in bytes. Raises `OutputError` where
    one of them is not, and leaves the old website in its place.
    """
    fresh = staging_folder(folder)
    _clear(fresh)
    try:
        with said("write", fresh):
            fresh.mkdir(parents=True)
            (fresh / SITE_RECORD).write_text(
                "{}", encoding="utf-8"
            )  # it is ours now; MkDocs keeps the record
        yield fresh
        _check_complete(fresh, sign_website(fresh), wanted)
    except BaseException:
        with suppress(OutputError):  # what stays is removed by the next build
            _clear(fresh)
        raise
    swap(folder)


def _check_complete(folder: Path, sizes: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    """Raise `OutputError` unless a new website has all files that it has to have."""
    missing = sorted(path for path, size in wanted.items() if sizes.get(path) != size)
    if missing:
        raise OutputError(
            f"expected all {len(wanted):,} files of the gallery in {folder}, received some missing, "
            f"such as {missing[0]}: build again"
        )


def staging_folder(folder: Path) -> Path:
    """Return the folder beside `folder` in which its successor is built."""
    folder = resolved(folder)
    return folder.with_name(f".{folder.name}.new")


def _old_folder(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _is_cut_off(folder: Path) -> bool:
    """Whether a build was cut off between the two renames of `swap`."""
    return not folder.exists() and _is_ours(_old_folder(folder))


def recover(folder: Path) -> None:
    """Put the old website back where a build was cut off between the two renames of `swap`.

    Nobody else may be between them: hold the lock.
    """
    folder = resolved(folder)
    if _is_cut_off(folder):
        with said("restore", folder):
            _old_folder(folder).rename(folder)


def swap(folder: Path) -> None:
    """Put the finished staging folder in the place of `folder` by two renames."""
    folder = resolved(folder)
    old = _old_folder(folder)
    _clear(old)
    with said("replace", folder):
        if folder.exists():
            folder.rename(old)
        try:
            staging_folder(folder).rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    with suppress(OutputError):  # what stays is removed by the next build
        _clear(old)


def _clear(folder: Path) -> None:
    """Remove a folder of ours, if it is there, its record after all else.

    Without the record the folder would not be ours any more, and be in the way of every later build. Raises
    `OutputError` that names what cannot be removed, and then the record stays.
    """
    if not folder.is_dir():
        return
    try:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != SITE_RECORD:
                path.unlink()
        (folder / SITE_RECORD).unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        raise OutputError(
            f"expected to remove {error.filename or folder}, received: {error.strerror}: "
            f"remove {folder} yourself"
        ) from None
