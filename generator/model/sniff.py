"""Tell by its content what kind of file was given, and refuse what is no whole Keras model, in one line."""

import zipfile
from pathlib import Path

import h5py

from generator.errors import ModelError

HDF5, ZIP = "hdf5", "zip"
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


def sniff(path: Path) -> str:
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
    return ZIP if start.startswith(b"PK") else HDF5


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
            names, attributes = set(file), set(file.attrs)
            own = [name for name in names if isinstance(file.get(name, getlink=True), h5py.HardLink)]
            for each in map(file.__getitem__, own):  # a file that is cut short may open, but not be read
                attributes |= (
                    {"layer_names"} if any(a.startswith("layer_names") for a in each.attrs) else set()
                )
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
