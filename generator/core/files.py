"""Files and folders on disk, whatever lies there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.core.errors import OutputError


def resolved(path: Path) -> Path:
    """Return an absolute path without links; those that lead in a circle stay in it."""
    return Path(os.path.realpath(path))


def walk(root: Path, follow: bool = False) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield the files below a folder, if it is there, with their paths in it; `follow` links to folders.

    Without that, such a link counts as a file. Raises `OutputError` where a folder cannot be listed.
    """
    folders, seen = [""] if root.is_dir() else [], {os.path.realpath(root)}
    while folders:
        inner = folders.pop()
        with said("read", root / inner), os.scandir(root / inner) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{inner}{entry.name}/")
                elif follow and entry.is_symlink() and os.path.isdir(entry.path):
                    if (real := os.path.realpath(entry.path)) not in seen:  # else the links lead in a circle
                        seen.add(real)
                        folders.append(f"{inner}{entry.name}/")
                else:
                    yield inner + entry.name, entry


@contextmanager
def said(verb: str, path: Path | str) -> Iterator[None]:
    """Raise `OutputError`, in one line, where the system cannot do what the `verb` says with a file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise OutputError(f"expected to {verb} {path}, received: {reason}: check space and rights") from None
