"""Read a finished website as one, although a build may put another in its place meanwhile."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from generator.core.errors import BusyError, OutputError
from generator.storage import website_folder

STARTS = 4
PAUSE = 0.2  # seconds before another start: between the two renames of a swap there is no website

T = TypeVar("T")


class _ReplacedError(Exception):
    """The website is another than at the start."""


def read_steadily(folder: Path, read: Callable[[dict[str, int], Callable[[], None]], T]) -> T:
    """Return what `read` makes of the website in `folder`, all of it from one website.

    `read` is given the sizes of the files in bytes by path, as `website_files` returns them, and a
    function that raises an exception of ours, to be let through, where the website was replaced; `read` calls
    it before it does what cannot be taken back. Then, and where it was replaced by the end, or while reading
    failed, all starts over, three times at most. Raises `OutputError` after that, and where `folder` is no
    website of ours.
    """
    for start in range(STARTS):
        time.sleep(PAUSE if start else 0)
        try:
            with _held(folder) as (files, check):
                found = read(files, check)
                check()
                return found
        except _ReplacedError:
            pass
    raise OutputError(
        f"expected the website in {folder} to stay while it is read, received a new one each of {STARTS} "
        "times: wait for the build"
    )


@contextmanager
def _held(folder: Path) -> Iterator[tuple[dict[str, int], Callable[[], None]]]:
    """Lend the sizes of a website's files, and a function that raises `_ReplacedError` where it is another.

    The folder is held open, so that the next one cannot have its number.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        with suppress(BusyError):  # a build is between its two renames
            website_folder.website_files(folder)  # puts an old one back, or says what is wrong
        raise _ReplacedError from None
    files: dict[str, int] = {}

    def check() -> None:
        try:
            same = os.path.samestat(os.fstat(descriptor), folder.stat())
        except OSError:
            same = False
        if not same or files not in ({}, website_folder.recorded_files(folder)):
            raise _ReplacedError

    try:
        files = website_folder.website_files(folder)
        yield files, check
    except Exception:
        check()  # a file that is gone is no mistake of the website's where that is gone as well
        raise
    finally:
        os.close(descriptor)
