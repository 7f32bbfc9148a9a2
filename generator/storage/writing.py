"""Write files of ours: whole, never through a link, one writer at a time; and read the records of them."""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from generator.core.errors import BusyError, OutputError
from generator.core.files import resolved, said, walk
from generator.storage import locks


@contextmanager
def locked(*folders: Path) -> Iterator[tuple[Path, ...]]:
    """Hold what is written into `folders` for this build alone, while the context lasts.

    The operating system gives a lock back when its holder dies, however it dies. Lends those of the folders
    whose file system knows no locks, from which nothing keeps a second build away. Raises `BusyError` where
    another build holds one.
    """
    with ExitStack() as stack:
        held = {folder: stack.enter_context(_lock(resolved(folder))) for folder in folders}
        yield tuple(folder for folder, is_held in held.items() if not is_held)


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    path = folder.with_name(f".{folder.name}.lock")
    while True:
        with said("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        with open(descriptor, "ab") as file:
            taken = locks.take(file.fileno())
            if taken is False:
                raise BusyError(
                    f"expected one build of {folder} at a time, received a second: wait for the other"
                )
            if not locks.is_at(path, file.fileno()):
                continue  # its last holder has just removed it
            try:
                yield taken is True
            finally:
                if not file.tell():  # else it was there before, and is somebody's
                    path.unlink(missing_ok=True)
            return


def check_target(target: Path, folder: Path, ending: str) -> None:
    """Raise `OutputError` unless `target` ends in `ending` and is a file, or none yet, outside `folder`."""
    target = target.absolute()
    if target.suffix.lower() != ending:
        raise OutputError(f"expected a file that ends in {ending}, received {target}: choose another name")
    if target.is_dir() or not target.parent.is_dir():
        raise OutputError(f"expected a file in a folder that is there, received {target}: choose another")
    if resolved(target).is_relative_to(resolved(folder)):
        raise OutputError(
            f"expected a file outside the website, received {target} in it: choose another place"
        )


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Lend an open, new file, which takes the place of `path` when all went well.

    So under its name there is never a part of it. Until then it has one name for all who write `path`, and a
    lock: the second one ends in a `BusyError`, and what a killed one leaves is there once and goes with the
    next. Raises `OutputError`.
    """
    # long names are cut, and told apart by a number
    own = path.name if len(path.name) <= 40 else f"{path.name[-30:]}-{zlib.crc32(os.fsencode(path.name)):08x}"
    fresh = path.with_name(f".{own}.new")
    with said("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = locks.create_alone(fresh, path)
        with open(descriptor, "wb") as file:  # holds the lock until the file has its name
            try:
                yield file
                file.flush()
                fresh.replace(path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in the place of `path`; see `replaced`."""
    with replaced(path) as file:
        file.write(content)


def remove(path: Path) -> None:
    """Remove a file of ours, if it is there. Raises `OutputError`."""
    with said("remove", path):
        path.unlink(missing_ok=True)


def write(path: Path | str, flag: int, content: bytes) -> None:
    """Write a file of ours from its start (`flag` is `O_TRUNC`) or at its end (`O_APPEND`).

    A link in its place goes, so that nothing elsewhere is written, and a pipe there is an error: nobody waits
    for its reader. Thousands of files are written, and `open` would ask the system for twice as much.
    """
    flags = flag | os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError:
        if not os.path.islink(path):
            raise
        os.unlink(path)
        descriptor = os.open(path, flags, 0o666)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def read_record(path: Path) -> dict[str, int]:
    """Return the sizes of files by path, none where there is no such record or it is broken."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {each: found[each] for each in found if is_path(each)} if isinstance(found, dict) else {}


def is_path(text: str) -> bool:
    """Whether the system takes a text as a path."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def size_of(entry: os.DirEntry) -> int:
    """Return the size of a file; that of a link is its own."""
    return entry.stat(follow_symlinks=False).st_size


def has_all(root: Path, sizes: Mapping[str, int]) -> bool:
    """Whether all these files are below a folder, of these sizes; links are no files of ours."""
    found = ((path, entry) for path, entry in walk(root) if path in sizes)
    files = {path: size_of(entry) for path, entry in found if entry.is_file(follow_symlinks=False)}
    return sizes.items() <= files.items()
