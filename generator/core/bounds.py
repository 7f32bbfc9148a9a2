"""What of a project leads out of it, or is neither a file nor a folder: nothing of that is read."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from generator.core.errors import ProjectError

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
REPEATED = 10_000  # folders that a walk through links may come to once more
NAMED = 3  # pipes and the like in one message


def check(root: Path, *places: Path, walked: bool = False) -> None:
    """Raise `ProjectError` unless all of `places` and what lies below them stays in the folder `root`.

    Links are followed to their end; one that leads nowhere is nothing that could be read. A place need not be
    there. What is neither a file nor a folder is an error as well, since reading a pipe may take for ever; so
    are circles and folders without number where the places are `walked` as MkDocs does it, which follows
    every link as often as it meets one.
    """
    found = (each for place in places for each in _strange(place, root, walked))
    strange = sorted({f"{path} ({kind})" for path, kind in found})
    if strange:
        more = f" and {len(strange) - NAMED:,} more" if len(strange) > NAMED else ""
        raise ProjectError(
            f"expected files and folders in the project, received {', '.join(strange[:NAMED])}{more}: "
            "remove what is none"
        )


def check_theme(root: Path, folder: Path) -> None:
    """Check a folder of templates that lies in `root`, by its name or in truth; one elsewhere is meant so."""
    names = [(os.path.abspath(folder), os.path.abspath(root))]
    names.append((os.path.realpath(folder), os.path.realpath(root)))
    if any(Path(each).is_relative_to(of) for each, of in names):
        check(root, folder)


def _strange(place: Path, root: Path, walked: bool) -> Iterator[tuple[str, str]]:
    """Yield what is neither a file nor a folder, with its kind. Raises where something leads out."""
    real_root = os.path.realpath(root)
    # with each path, where it is, and the same of the folder that it lies in, and so on
    found, seen = [(os.fspath(place), *_look(os.fspath(place), real_root), ())], Counter()
    while found:
        path, kind, real, above = found.pop()
        if kind in KINDS:
            yield path, KINDS[kind]
        if kind != stat.S_IFDIR or (seen[real] and not walked):
            continue
        seen[real] += 1
        if seen[real] > 1:
            _check_end(path, real, above, seen.total() - len(seen))
        for entry in _entries(path):
            if entry.is_dir(follow_symlinks=False):
                found.append((entry.path, stat.S_IFDIR, os.path.join(real, entry.name), (real, above)))
            elif not entry.is_file(follow_symlinks=False):
                found.append((entry.path, *_look(entry.path, real_root), (real, above)))


def _check_end(path: str, real: str, above: tuple, repeated: int) -> None:
    """Raise `ProjectError` where a path is a folder that it lies in, or too many folders were met again."""
    if repeated > REPEATED:
        raise ProjectError(
            f"expected at most {REPEATED:,} folders that links lead to again, received more, such as {path}: "
            "remove links"
        )
    while above:
        if above[0] == real:
            raise ProjectError(
                f"expected links that come to an end, received {path}, which leads to a folder that it lies "
                "in: remove the link"
            )
        above = above[1]


def _look(path: str, root: str) -> tuple[int, str]:
    """Return the kind of what is at the end of a path, 0 for nothing, and where that is."""
    real = os.path.realpath(path)
    if real != root and not real.startswith(os.path.join(root, "")):
        raise ProjectError(
            f"expected {path} inside the project, received a link to {real}: remove it, or put there what it "
            "leads to"
        )
    try:
        return stat.S_IFMT(os.stat(path).st_mode), real
    except OSError:
        return 0, real


def _entries(folder: str) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise ProjectError(
            f"expected a folder that can be read, received {folder}: {error.strerror}: check its rights"
        ) from None
