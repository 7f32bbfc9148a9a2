"""Locks of the operating system, which gives them back when their holder dies, however it dies."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from generator.core.errors import BusyError

BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # all other errors mean that there are no such locks


def take(descriptor: int) -> bool | None:
    """Lock an open file for this process until it is closed, without waiting.

    Returns False where another holds the lock, and `None` where the file system knows no locks: neither
    those of `flock`, which some network and FUSE file systems lack, nor POSIX record locks. The file must be
    open for writing.
    """
    for lock in (fcntl.flock, fcntl.lockf):
        try:
            lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in BUSY:
                return False
    return None


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one at `path`, which may be a link."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def create_alone(path: Path, target: Path) -> int:
    """Return a descriptor of a new, empty, locked file at `path`, in which the next `target` is written.

    What a writer that was killed left there goes, and so does a link or a pipe. Raises `BusyError` while
    another writes.
    """
    while True:
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            if take(descriptor) is not False and is_at(path, descriptor):
                return descriptor
            os.close(descriptor)  # another has taken it for left over in between
            raise _second(target)
        _remove_left_over(path, target)


def _remove_left_over(path: Path, target: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:  # its writer is done
        return
    except OSError:  # a link, a pipe or a file that cannot be written: no writer of ours has it open
        path.unlink(missing_ok=True)
        return
    try:
        if take(descriptor) is False:
            raise _second(target)
        if is_at(path, descriptor):  # else it is the finished file by now
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _second(target: Path) -> BusyError:
    return BusyError(f"expected one writer of {target} at a time, received a second: wait for the other")
