"""A finished website as one zip file, to give away."""

import calendar
import re
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from generator.core.errors import OutputError
from generator.core.formatting import wrong_with_path
from generator.core.source_date import source_date
from generator.storage import writing
from generator.storage.steady import read_steadily
from generator.website.manifest import read_manifest

# Deflating these again takes most of the time and saves next to nothing.
COMPRESSED = {".png", ".gif", ".jpg", ".jpeg", ".webp", ".npz", ".woff", ".woff2", ".gz"}
FIRST_DATE = calendar.timegm((1980, 1, 1, 0, 0, 0))  # a zip file knows no earlier one, and none after 2107
LAST_DATE = calendar.timegm((2107, 12, 31, 23, 59, 58))


def pack(folder: Path, target: Path | None = None) -> Path:
    """Write the website in `folder` into the zip file `target`, and return where that lies.

    Without `target` it lies in the current folder and is called after the model. The zip file holds one
    folder, called after the model as well, with all files of the website but hidden ones. The same website
    gives the same bytes: names are sorted, rights fixed, and all dates are `SOURCE_DATE_EPOCH` (seconds since
    1970, UTC), or 1980-01-01. Raises `OutputError` where `folder` is no website of ours, a file's name would
    be another one, or none, on another system, or `target` cannot be written.
    """
    return read_steadily(folder, lambda files, check: _write(folder, target, files, check))


def _write(folder: Path, target: Path | None, files: Collection[str], check: Callable[[], None]) -> Path:
    """Write the zip file, unless `check` raises at the end."""
    _check_names(files)
    files = [path for path in files if "/." not in f"/{path}"]
    name = package_name(read_manifest(folder))
    target = (target or Path(f"{name}.zip")).absolute()
    writing.check_target(target, folder, ".zip")
    with writing.replaced(target) as fresh:
        with ZipFile(fresh, "w") as archive:
            for path in files:
                _add(archive, f"{name}/{path}", folder / path)
        check()
    return target


def _check_names(files: Collection[str]) -> None:
    """Raise `OutputError` where a file would be unzipped under another name than it has here."""
    for path in files:
        if wrong := wrong_with_path(path):
            shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in path)
            raise OutputError(
                f"expected names of files that every system takes, received {shown}, which has {wrong}: "
                "rename what it is made from, and build again"
            )


def package_name(manifest: dict) -> str:
    """Return a name for a gallery, after its model's file, that every system takes as a file's name."""
    stem = PurePosixPath(manifest["model"]["file"]).stem
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", stem)[:60].strip("-")
    return f"{safe}-gallery" if safe else "gallery"


def _add(archive: ZipFile, name: str, path: Path) -> None:
    """Add a file in pieces, since `.npz` and models' own downloads may be large."""
    entry = ZipInfo(name, _date())
    entry.create_system = 3  # so that rights are read as those of Unix
    entry.external_attr = 0o100644 << 16
    entry.compress_type = ZIP_STORED if path.suffix.lower() in COMPRESSED else ZIP_DEFLATED
    entry.file_size = path.stat().st_size  # tells whether the entry needs 64 bits
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _date() -> tuple[int, int, int, int, int, int]:
    return time.gmtime(min(max(source_date() or FIRST_DATE, FIRST_DATE), LAST_DATE))[:6]
