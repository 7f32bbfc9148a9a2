"""The folder of Markdown sources: what changed is written, and what is left over removed."""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.core.errors import OutputError
from generator.core.files import resolved, said, walk
from generator.storage.writing import has_all, is_path, read_record, write, write_whole

RECORD = ".written.json"  # in the generated folder: which files are ours
JOURNAL = ".writing.txt"  # the same, line by line, for builds that are cut off
TEXTS = (".md", ".css", ".js", ".csv", ".svg", ".json")  # what people write as well
MARK = b"activation-gallery"  # near the start of pages, style sheets and scripts, where the record is lost


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
        cut_off = filter(is_path, journal.splitlines())
        self._before = dict.fromkeys(cut_off, -1) | read_record(self._record)

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
        return bool(self._before) and not self._journal.is_file() and has_all(self.root, self._before)

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
                write(target, os.O_TRUNC, content)

    def _announce(self, paths: Sequence[str]) -> None:
        """Note in the journal which files are about to be ours."""
        if paths:
            with said("write", self._journal):
                self._journal.parent.mkdir(parents=True, exist_ok=True)
                write(self._journal, os.O_APPEND, "".join(f"{path}\n" for path in paths).encode())

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
            if self._files != read_record(self._record):
                # a file a line, for those who compare two of them
                lines = json.dumps(self._files, sort_keys=True, separators=(",\n", ": "))
                write_whole(self._record, lines.encode())
            self._journal.unlink(missing_ok=True)
        return len(orphans)


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK in file.read(2000)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
