"""Refuse model files that reach for other files, or for far more memory than anything in them needs.

Keras looks at some of this too, but at less, and only where it reads.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import keras

from generator.errors import ModelError

MOST_EXPANSION = 100  # times; deflate reaches 1,032, but trained weights hardly halve
UNSUSPICIOUS = 1 << 28  # bytes that anything may unpack to
LONGEST_CONFIG = 1 << 26  # bytes; that of the largest models in keras.applications takes one million
LARGEST_OUTPUT = 1 << 30  # values of a layer for one image: four gigabytes
FEW_WEIGHTS = 1_000_000  # values, that a layer may have whatever lies in the file
LARGEST_WINDOW = 1 << 16
WINDOWS = ("strides", "kernel_size", "pool_size", "dilation_rate", "size", "padding", "cropping")
DAMAGED = "expected weights, received damaged ones: copy or download it again"


def check_config(config: dict[str, Any] | list[Any]) -> None:
    """Raise `ModelError` for windows and steps in a configuration that would crash TensorFlow."""
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        numbers = [each for each in _flat(value) if isinstance(each, int | float)] if key in WINDOWS else []
        if any(abs(each) > LARGEST_WINDOW for each in numbers):
            raise ModelError(f"expected {key} of at most {LARGEST_WINDOW:,}, received {str(value)[:60]}")
        if isinstance(value, dict | list):
            check_config(value)


def _flat(value: Any) -> Iterator[Any]:
    for each in value if isinstance(value, list) else (value,):
        yield from _flat(each) if isinstance(each, list) else (each,)


def check_zip(archive: zipfile.ZipFile) -> int:
    """Return how many numbers a .keras file may hold as weights; raises `ModelError` for a trap."""
    for info in archive.infolist():
        is_text = info.filename in ("config.json", "metadata.json")
        if info.file_size > (LONGEST_CONFIG if is_text else _allowed(info.compress_size)):
            raise ModelError(
                f"expected a model, received {info.filename} of {info.file_size:,} bytes packed "
                f"into {info.compress_size:,}: save it again from Keras"
            )
    if "model.weights.h5" not in archive.namelist():
        return sum(info.file_size for info in archive.infolist())
    content = io.BytesIO(archive.read("model.weights.h5"))
    try:
        with h5py.File(content) as file:
            return check_hdf5(file)
    except OSError:
        raise ModelError(DAMAGED) from None


def check_hdf5(file: h5py.File) -> int:
    """Return how many numbers the data sets of an HDF5 file hold; raises `ModelError` for a trap.

    No link to another file is followed.
    """
    total = 0

    def look(name: str, link: Any) -> str | None:  # an exception would get lost in HDF5's library
        nonlocal total
        if isinstance(link, h5py.ExternalLink):
            return f"expected weights in {name}, received a link to another file"
        found = file.get(name) if isinstance(link, h5py.HardLink) else None
        if not isinstance(found, h5py.Dataset):
            return None
        if found.external or found.is_virtual:
            return f"expected weights in {name}, received a pointer to another file"
        count = found.size or 0
        if count * found.dtype.itemsize > _allowed(found.id.get_storage_size()):
            return f"expected weights in {name}, received {found.shape} values that are not there"
        total += count
        return None

    try:
        wrong = file.visititems_links(look)
    except Exception:  # the library raises almost anything on damaged files
        wrong = DAMAGED
    if wrong:
        raise ModelError(wrong)
    return total


def _allowed(stored: int) -> int:
    return max(UNSUSPICIOUS, MOST_EXPANSION * stored)


@contextmanager
def bounded_weights(values: int) -> Iterator[None]:
    """Let no layer make weights of more values than the file has for all of them."""
    original = keras.Layer.add_weight
    most = max(values, FEW_WEIGHTS)

    def add_weight(self: keras.Layer, shape: Any = None, *args: Any, **kwargs: Any) -> Any:
        sides = (shape,) if isinstance(shape, int) else shape or ()
        if math.prod(sides) > most:
            raise ValueError(f"it wants weights of shape {tuple(sides)}, and the file has {values:,} numbers")
        return original(self, shape, *args, **kwargs)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = original


def check_outputs(model: keras.Model) -> None:
    """Raise `ModelError` where a layer of a graph makes more values of an image than there is room for.

    Sides that depend on the image count as one.
    """
    for each in getattr(model, "operations", ()) if hasattr(model, "outputs") else ():
        if isinstance(each, keras.Model):
            check_outputs(each)
        for node in each._inbound_nodes:
            for tensor in node.output_tensors:
                if math.prod(side or 1 for side in tensor.shape) > LARGEST_OUTPUT:
                    raise ModelError(
                        f"expected at most {LARGEST_OUTPUT:,} values of a layer, received maps of shape "
                        f"{tuple(tensor.shape)} from {each.name}: draw a smaller model"
                    )
