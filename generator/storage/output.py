"""Files on disk: check that a folder is ours, write what changed, remove what is left over, swap folders."""

import json
import os
import shutil
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from generator.core.errors import BusyError, OutputError
from generator.core.files import resolved, said, walk
from generator.storage import locks

RECORD = ".written.json"  # in the generated folder: which files are ours
JOURNAL = ".writing.txt"  # the same, line by line, for builds that are cut off
SITE_RECORD = ".activation-gallery.json"  # in a website: all its files
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave wherever someone looks
TEXTS = (".md", ".css", ".js", ".csv", ".svg", ".json")  # what people write as well
MARK = b"activation-gallery"  # near the start of pages, style sheets and scripts, where the record is lost


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
    ours = _read_record(folder / SITE_RECORD)
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
        sizes = {path: _size(entry) for path, entry in sorted(_website_walk(folder))}
        (folder / SITE_RECORD).write_text(json.dumps(sizes), encoding="utf-8")
    return sizes


def is_whole_website(folder: Path) -> bool:
    """Whether a website of ours has all its files, of the sizes that they were made with."""
    sizes = _read_record(folder / SITE_RECORD)
    return bool(sizes) and _has_all(folder, sizes)


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
    if not _has_all(folder, sizes):
        raise OutputError(
            f"expected every file of the website as it was built, received {folder} with files that are "
            "missing or changed: build it again"
        )
    return sizes


def recorded_files(folder: Path) -> dict[str, int]:
    """Return which files a website of ours consists of by its record, with their sizes in bytes, sorted."""
    return dict(sorted(_read_record(folder / SITE_RECORD).items()))


def _website_walk(folder: Path) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield the files of a website, without its record and litter."""
    return (found for found in walk(folder) if found[0] != SITE_RECORD and found[1].name not in LITTER)


def _size(entry: os.DirEntry) -> int:
    """Return the size of a file; that of a link is its own."""
    return entry.stat(follow_symlinks=False).st_size


def _has_all(root: Path, sizes: Mapping[str, int]) -> bool:
    """Whether all these files are below a folder, of these sizes; links are no files of ours."""
    found = ((path, entry) for path, entry in walk(root) if path in sizes)
    files = {path: _size(entry) for path, entry in found if entry.is_file(follow_symlinks=False)}
    return sizes.items() <= files.items()


def _read_record(path: Path) -> dict[str, int]:
    """Return the sizes of files by path, none where there is no such record or it is broken."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {each: found[each] for each in found if _is_path(each)} if isinstance(found, dict) else {}


def _is_path(text: str) -> bool:
    """Whether the system takes a text as a path."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _are_there(root: Path, sizes: Mapping[str, int]) -> bool:
    try:
        return all((root / path).stat().st_size == size for path, size in sizes.items())
    except OSError:
        return False


class SourceFolder:
    """The Markdown sources: writes what changed below `root` and remembers which files are ours.

    Several threads may write at once. A build that is cut off may leave half a file here, which the next one
    writes again; a website is made of whole sources only.
    """

    def __init__(self, root: Path):
        """Read the record of an earlier build in `root`, if there is one."""
        self.root = root
        self.written = 0
        self._files: dict[str, int] = {}
        self._folders: set[str] = set()
        self._lock = threading.Lock()  # of the files and the journal
        gallery = self.folder("gallery")
        self._record, self._journal = gallery / RECORD, gallery / JOURNAL
        journal = self._journal.read_text("utf-8", "replace") if self._journal.is_file() else ""
        cut_off = filter(_is_path, journal.splitlines())
        self._before = dict.fromkeys(cut_off, -1) | _read_record(self._record)

    def folder(self, path: str) -> Path:
        """Return a folder below `root`. Raises `OutputError` where a link leads elsewhere."""
        found = self.root / path
        real = Path(os.path.realpath(found))
        if not real.is_relative_to(os.path.realpath(self.root)):
            raise OutputError(f"expected {found} inside {self.root}, received a link to {real}: remove it")
        return found

    @property
    def size(self) -> int:
        """The bytes of all files of this build together."""
        return sum(self._files.values())

    def is_whole(self) -> bool:
        """Whether the last build came to its end and all its files are there, of the same sizes."""
        return bool(self._before) and not self._journal.is_file() and _has_all(self.root, self._before)

    def keep(self, sizes: Mapping[str, int]) -> bool:
        """Make files of an earlier build files of this one, if they are all there, of these sizes."""
        whole = all(map(self.owns, sizes)) and _are_there(self.root, sizes)
        if whole:
            self._files.update(sizes)
        return whole

    def foreign(self) -> dict[str, Path]:
        """Return the files in the folder that no build has written, by path, those behind links as well."""
        found = (path for path, _ in walk(self.root, follow=True) if "/." not in f"/{path}")
        strange = {
            path: self.root / path
            for path in sorted(found)
            if not self.owns(path) and path not in self._files
        }
        return {path: file for path, file in strange.items() if file.is_file()}

    @property
    def published(self) -> dict[str, int]:
        """What the website has to contain besides pages: the sizes of files of this build by path."""
        return {
            path: size
            for path, size in self._files.items()
            if path.startswith("gallery/") and "/." not in path and not path.endswith(".md")
        }

    def count(self, *endings: str) -> int:
        """Return how many of the files of this build have one of these endings."""
        return sum(path.endswith(endings) for path in self._files)

    def owns(self, path: str) -> bool:
        """Whether an earlier build wrote the file at `path`."""
        return path in self._before

    def write(self, path: str, content: bytes) -> None:
        """Write one file; see `write_all`."""
        self.write_all({path: content})

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Write files by path, but for those that hold the same bytes already.

        Raises `OutputError` when one of them is not ours or cannot be written.
        """
        changed = {path: content for path, content in files.items() if not self._holds(path, content)}
        with self._lock:
            self._files.update({path: len(content) for path, content in files.items()})
            self.written += len(changed)
            self._announce([path for path in changed if not self.owns(path)])
        for path, content in changed.items():
            target = f"{self.root}/{path}"
            with said("write", target):
                folder = os.path.dirname(path)
                if folder not in self._folders:
                    self.folder(folder).mkdir(parents=True, exist_ok=True)
                    self._folders.add(folder)
                _write(target, os.O_TRUNC, content)

    def _announce(self, paths: Sequence[str]) -> None:
        """Note in the journal which files are about to be ours."""
        if paths:
            with said("write", self._journal):
                self._journal.parent.mkdir(parents=True, exist_ok=True)
                _write(self._journal, os.O_APPEND, "".join(f"{path}\n" for path in paths).encode())

    def _holds(self, path: str, content: bytes) -> bool:
        """Whether a file has these bytes. Raises `OutputError` where it is somebody else's text."""
        if not os.path.isfile(f"{self.root}/{path}"):
            return False
        target = self.root / path
        with said("write", target):
            if target.stat().st_size == len(content) and target.read_bytes() == content:
                return not target.is_symlink()
            if path.endswith(TEXTS) and not self.owns(path) and not _is_marked(target):
                raise OutputError(
                    f"expected to write {target.name} into {target.parent}, received one that is not "
                    "generated: move it away"
                )
        return False

    def finish(self) -> int:
        """Remove what only earlier builds wrote, record what is ours, and return how many files went."""
        orphans = self._before.keys() - self._files
        with said("clean", self.root):
            for path in sorted(orphans):
                target = self.root / path
                if resolved(target).is_relative_to(resolved(self.root)) and not target.is_dir():
                    target.unlink(missing_ok=True)
                    _remove_empty(target.parent, self.root)
            if self._files != _read_record(self._record):
                # a file a line, for those who compare two of them
                lines = json.dumps(self._files, sort_keys=True, separators=(",\n", ": "))
                write_whole(self._record, lines.encode())
            self._journal.unlink(missing_ok=True)
        return len(orphans)


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


def _write(path: Path | str, flag: int, content: bytes) -> None:
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


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK in file.read(2000)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
