"""What an earlier build left that still holds: records as JSON, each under a fingerprint of its sources.

Nothing in a cache is ever run: only what `records` and `facts` name, arrays and plain values are read back.
"""

import base64
import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import Enum, EnumType
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from generator.core import facts, records, resources
from generator.storage import writing

FOLDER = "gallery/.cache"  # in the generated folder; MkDocs takes no names that begin with a dot
PACKAGES = (
    "numpy", "pillow", "imageio", "matplotlib",
    "jinja2", "markupsafe", "markdown", "mkdocs", "mkdocs-material",
)  # fmt: skip
SWITCHES = ("SOURCE_DATE_EPOCH",)
RECORDS = {
    name: each
    for module in (records, facts)
    for name, each in vars(module).items()
    if dataclasses.is_dataclass(each)
}
MEMBERS = {name: each for name, each in vars(facts).items() if isinstance(each, EnumType)}


class Cache:
    """A folder of records by name. With `force` nothing in it holds any more."""

    def __init__(self, folder: Path, force: bool):
        self.folder, self.force = folder, force
        self._used: set[Path] = set()

    def recall(self, name: str, key: str) -> Any:
        """Return what was remembered with the same key, else forget it and return `None`.

        It is forgotten before anything is drawn anew, so that a build that is cut off leaves no record of
        files that it had begun to replace.
        """
        path = self._path(name)
        if not self.force:
            try:
                stored, record = load(path.read_text(encoding="utf-8"))
                if stored == key:
                    self._used.add(path)
                    return record
            except (OSError, ValueError):
                pass
        writing.remove(path)
        return None

    def remember(self, name: str, key: str, record: Any) -> None:
        """Keep a record, anything but `None`; where files belong to it, it has their sizes by path."""
        path = self._path(name)
        self._used.add(path)
        writing.write_whole(path, dump((key, record)).encode())

    def finish(self) -> None:
        """Remove what this build neither recalled nor remembered."""
        for path in set(self.folder.glob("*.json")) - self._used:
            writing.remove(path)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def fingerprint(*parts: Any) -> str:
    """Return the SHA-256 of plain values and records, the same in every process."""
    return hashlib.sha256(dump(parts).encode()).hexdigest()


def digest_files(folder: Path, pattern: str) -> dict[str, str]:
    """Return the SHA-256 of all files below a folder that match, by their path in it."""
    paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def toolchain(packages: Sequence[str], switches: Sequence[str]) -> str:
    """Return a fingerprint of the programs that make pictures: this package's code and what it relies on.

    Besides its own packages and environment variables that is what the model relies on.
    """
    versions = {package: _version(package) for package in (*PACKAGES, *packages)}
    values = {name: os.environ.get(name) for name in (*SWITCHES, *switches)}
    return fingerprint(digest_files(resources.PACKAGE, "*.py"), versions, values, sys.version)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def dump(value: Any) -> str:
    """Return a value of records, arrays, tuples, dicts and plain values as JSON."""
    return json.dumps(_pack(value), separators=(",", ":"))


def load(text: str) -> Any:
    """Return what `dump` was given; lists come back as tuples. Raises `ValueError` on any other text."""
    try:
        return _unpack(json.loads(text))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"expected a record of an earlier build, received {error!r}") from None


def _pack(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return value.item()
        case np.ndarray():
            content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
            return {"array": [value.dtype.str, value.shape, content]}
        case Enum():
            return {"member": [type(value).__name__, value.name]}
        case PurePath():
            return {"path": str(value)}
        case Mapping() if not dataclasses.is_dataclass(value):
            return {"dict": [[_pack(key), _pack(each)] for key, each in value.items()]}
        case list() | tuple():
            return [_pack(each) for each in value]
    fields = {field.name: _pack(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return {"record": type(value).__name__, "fields": fields}


def _unpack(packed: Any) -> Any:
    if isinstance(packed, list):
        return tuple(map(_unpack, packed))
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        kind, shape, content = packed["array"]
        return np.frombuffer(base64.b64decode(content), np.dtype(kind)).reshape(shape)
    if "member" in packed:
        kind, name = packed["member"]
        return MEMBERS[kind][name]
    if "path" in packed:
        return Path(packed["path"])
    if "dict" in packed:
        return {_unpack(key): _unpack(each) for key, each in packed["dict"]}
    fields = {name: _unpack(each) for name, each in packed["fields"].items()}
    return RECORDS[packed["record"]](**fields)
