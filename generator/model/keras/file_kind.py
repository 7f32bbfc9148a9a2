"""Tell by its content what kind of file was given, and refuse what is no whole Keras model, in one line."""

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

import h5py

from generator.core.errors import ModelError
from generator.core.facts import FileKind

MOST_ENTRIES = 10_000  # of a folder in an HDF5 file, or of a zip archive; .keras files have three, and assets
LONGEST_DIRECTORY = 300 * MOST_ENTRIES  # bytes
FOREIGN = "no Keras model: load it where it was made, and save it from there with model.save('name.keras')"
STARTS = (  # how a file starts, in lower case; what it is; what to do
    (b"version https://git-lfs", "a git-LFS pointer instead of the file", "run `git lfs pull`"),
    (b"<!doctype", "a web page", "download the file itself, not the page about it"),
    (b"<html", "a web page", "download the file itself, not the page about it"),
    (b"<?xml", "an XML document", "download the model itself"),
    (b"\x80\x02", "a Python pickle, as old PyTorch writes it", FOREIGN),
    (b"\x80\x03", "a Python pickle", FOREIGN),
    (b"\x80\x04", "a Python pickle", FOREIGN),
    (b"\x80\x05", "a Python pickle", FOREIGN),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"rar!", "a RAR archive", "unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
)


def sniff(path: Path) -> FileKind:
    """Return `HDF5` or `ZIP`, whichever kind of whole Keras model lies in `path`, whatever it is called.

    Raises `ModelError`, saying what was received and what to do, where there is no such thing.
    """
    if not path.is_file():
        raise _refusal(path, *_no_file(path))
    with path.open("rb") as file:
        start = file.read(512)
    if h5py.is_hdf5(path) or start.startswith(b"\x89HDF"):
        wrong = _hdf5(path)
    elif start.startswith(b"PK"):
        wrong = _zip(path)
    else:
        raise _refusal(path, *_other(path, start))
    if wrong:
        raise _refusal(path, *wrong)
    return FileKind.ZIP if start.startswith(b"PK") else FileKind.HDF5


def _refusal(path: Path, received: str, advice: str) -> ModelError:
    return ModelError(f"expected a Keras model in {path.name}, received {received}: {advice}")


def _no_file(path: Path) -> tuple[str, str]:
    if not path.exists():
        return "nothing there", f"check the path {path}"
    inside = {each.name for each in path.iterdir()} if path.is_dir() else set()
    if "saved_model.pb" in inside or "saved_model.pbtxt" in inside:
        return "a SavedModel folder", "load it with the TensorFlow that wrote it, and save it as name.h5"
    if "config.json" in inside and "model.weights.h5" in inside:
        return "the unpacked content of a .keras file", "pack it as a zip archive called name.keras"
    return "a folder" if path.is_dir() else "no file", "give the model file itself"


def _hdf5(path: Path) -> tuple[str, str] | None:
    try:
        with h5py.File(path) as file:
            if max(len(file), len(file.attrs)) > MOST_ENTRIES:
                return (
                    f"an HDF5 file with more than {MOST_ENTRIES:,} entries",
                    "give the file of model.save()",
                )
            names, attributes = set(file), set(file.attrs)
            own = [name for name in names if isinstance(file.get(name, getlink=True), h5py.HardLink)]
            for each in map(file.__getitem__, own):  # a file that is cut short may open, but not be read
                if any(name in each.attrs for name in ("layer_names", "layer_names0")):
                    attributes.add("layer_names")
    except (OSError, RuntimeError, KeyError):
        return "a damaged HDF5 file, probably cut short", "copy or download it again"
    weights = "layer_names" in attributes or "layer_names0" in attributes
    if "model_config" in attributes:
        return (
            None if weights or "model_weights" in names else ("one without its weights", "use model.save()")
        )
    if weights or names & {"layers", "_layer_checkpoint_dependencies"}:
        return "weights only, without the architecture", "save the whole model with model.save('name.keras')"
    return "an HDF5 file with other data", "give the file that model.save() wrote"


def _zip(path: Path) -> tuple[str, str] | None:
    try:
        with path.open("rb") as file:
            if max(directory_sizes(file)) > LONGEST_DIRECTORY:  # before anything reads all of it
                return f"a zip archive with more than {MOST_ENTRIES:,} files", "give the file of model.save()"
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "a damaged zip archive, cut short", "copy or download it again"
    weights = {"model.weights.h5", "model.weights.npz"} & set(names)
    if "config.json" in names:
        return None if weights else ("one without its weights", "save it with model.save()")
    if weights:
        return "one without its architecture (config.json)", "save it with model.save()"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file", FOREIGN
    inside = [name for name in names if name.endswith((".keras", ".h5", ".hdf5", "saved_model.pb"))]
    if inside:
        return f"a zip archive with {inside[0]} inside", "unpack it"
    return "a zip archive of something else", "give the file that model.save() wrote"


def directory_sizes(file: BinaryIO) -> list[int]:
    """Return how long a zip archive's directory is, in bytes, by each of the records that a reader may go by.

    The record stands at the end, before a comment; that of a long archive before that. Empty archives, and
    files that are none, have 0.
    """
    length = file.seek(0, 2)
    start = max(0, length - 22 - (1 << 16))
    file.seek(start)
    tail = file.read()
    places = {len(tail) - 22, tail.rfind(b"PK\5\6")}
    found = [0]
    for place in places:
        record = tail[place : place + 22] if place >= 0 else b""
        if len(record) < 22 or not record.startswith(b"PK\5\6"):
            continue
        (size,) = struct.unpack("<I", record[12:16])
        long = _long_directory_sizes(file, start + place)
        found += long if long and size == 0xFFFFFFFF else [*long, size]
    return found


def _long_directory_sizes(file: BinaryIO, end: int) -> list[int]:
    """Return what the records of a long (zip64) archive say, whose short one starts at `end`."""
    if end < 76:
        return []
    file.seek(end - 20)
    locator = file.read(20)
    if not locator.startswith(b"PK\6\7"):
        return []
    found = []
    for place in {end - 76, struct.unpack("<Q", locator[8:16])[0]}:
        file.seek(min(place, end))
        record = file.read(56)
        if len(record) == 56 and record.startswith(b"PK\6\6"):
            found.append(struct.unpack("<Q", record[40:48])[0])
    return found


def _other(path: Path, start: bytes) -> tuple[str, str]:
    if not start:
        return "an empty file", "copy or download it again"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for beginning, what, advice in STARTS:
        if text.startswith(beginning):
            return what, advice
    if start[4:8] == b"TFL3":
        return "a TensorFlow Lite model", FOREIGN
    if text.startswith((b"{", b"[")):
        head = path.read_bytes()[:1_000_000]
        if b'"modelTopology"' in head or b'"weightsManifest"' in head:
            return "a TensorFlow.js model", "convert it with tensorflowjs_converter to a Keras HDF5 file"
        return "JSON text (an architecture alone has no weights)", "save the whole model with model.save()"
    if path.suffix.lower() == ".onnx" or (start[0] == 8 and 3 <= start[1] < 32):
        return "an ONNX model", FOREIGN
    if path.suffix.lower() in (".pb", ".pbtxt"):
        return "a frozen TensorFlow graph", FOREIGN
    return "a damaged file or one of another kind", "give the file that model.save() wrote"
