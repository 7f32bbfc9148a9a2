"""Refuse model files that reach for other files, or for far more memory than anything in them needs.

Keras looks at some of this too, but at less, and only where it reads.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import h5py
import keras

from generator.core.errors import ModelError
from generator.core.formatting import one_line
from generator.model.keras.file_kind import MOST_ENTRIES
from generator.model.keras.keras1_and_2 import MissingError
from generator.model.keras.weights import texts

WEIGHTS = "model.weights.h5"

MOST_EXPANSION = 100  # times; deflate reaches 1,032, but trained weights hardly halve
UNSUSPICIOUS = 1 << 28  # bytes that anything may unpack to
LONGEST_CONFIG = 1 << 26  # bytes; that of the largest models in keras.applications takes one million
LARGEST_OUTPUT = 1 << 30  # values of a layer for one image: four gigabytes
MOST_LINKS = 200_000  # in an HDF5 file; the largest models in keras.applications have some thousand weights
MOST_LETTERS = 10_000_000  # in the names of all weights
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


def check_zip(archive: zipfile.ZipFile, length: int) -> int:
    """Return how many numbers a .keras file may hold as weights; raises `ModelError` for a trap.

    `length` is that of the file in bytes.
    """
    members = archive.infolist()
    if len(members) > MOST_ENTRIES:
        raise ModelError(f"expected a model, received {len(members):,} files: save it again from Keras")
    for info in members:
        is_text = info.filename in ("config.json", "metadata.json")
        if info.file_size > (LONGEST_CONFIG if is_text else _allowed(info.compress_size)):
            raise ModelError(
                f"expected a model, received {one_line(info.filename)[:80]} of {info.file_size:,} bytes "
                f"packed into {info.compress_size:,}: save it again from Keras"
            )
    total = sum(info.file_size for info in members)
    places = sorted((info.header_offset, info.header_offset + 30 + info.compress_size) for info in members)
    if total > _allowed(length) or any(end > start for (_, end), (start, _) in pairwise(places)):
        raise ModelError(
            f"expected a model, received {total:,} bytes packed into {length:,}: save it again from Keras"
        )
    if WEIGHTS not in archive.namelist():
        return total
    content = io.BytesIO(archive.read(WEIGHTS))
    try:
        with h5py.File(content) as file:
            return check_hdf5(file)
    except OSError:
        raise ModelError(DAMAGED) from None


def check_hdf5(file: h5py.File) -> int:
    """Return how many numbers the data sets of an HDF5 file hold; raises `ModelError` for a trap.

    No link to another file is followed, and every object is looked at once, however many links lead there
    and however deep it lies.
    """
    try:
        wrong, total = _walk(file.id)
        wrong = wrong or _check_names(file)
    except Exception:  # the library raises almost anything on damaged files
        wrong = DAMAGED
    if wrong:
        raise ModelError(wrong)
    return total


def _walk(root: h5py.h5g.GroupID) -> tuple[str | None, int]:
    """Return what is wrong with anything below a group, and the number of values of all data sets."""
    total, links = 0, 0
    seen = {h5py.h5o.get_info(root).addr}
    pending = [root]
    while pending:
        group = pending.pop()
        names: list[tuple[bytes, int]] = []
        links += group.get_num_objs()
        if links > MOST_LINKS:
            return f"expected at most {MOST_LINKS:,} arrays and folders, received more", 0
        group.links.iterate(lambda name, info, names=names: names.append((name, info.type)), info=True)
        for name, kind in names:
            told = one_line(name.decode(errors="replace"))[:80]
            if kind == h5py.h5l.TYPE_EXTERNAL:
                return f"expected weights in {told}, received a link to another file", 0
            if kind != h5py.h5l.TYPE_HARD:
                continue
            address = h5py.h5o.get_info(group, name).addr
            if address in seen:
                continue
            seen.add(address)
            found = h5py.h5o.open(group, name)
            if isinstance(found, h5py.h5g.GroupID):
                pending.append(found)
            elif isinstance(found, h5py.h5d.DatasetID):
                wrong, count = _check_dataset(h5py.Dataset(found), told)
                if wrong:
                    return wrong, 0
                total += count
    return None, total


def _check_dataset(found: h5py.Dataset, name: str) -> tuple[str | None, int]:
    """Return what is wrong with a data set, and how many values it has."""
    if found.external or found.is_virtual:
        return f"expected weights in {name}, received a pointer to another file", 0
    count = found.size or 0
    if count * found.dtype.itemsize > _allowed(found.id.get_storage_size()):
        return f"expected weights in {name}, received {found.shape} values that are not there", 0
    return None, count


def _check_names(file: h5py.File) -> str | None:
    """Return what is wrong with the lists of names by which Keras looks up the weights in an HDF5 file.

    A group may be listed again and again, and lists as many weights each time.
    """
    group = file.get("model_weights", file)
    if not isinstance(group, h5py.Group):
        return DAMAGED
    layers = texts(group, "layer_names", MOST_LINKS)
    letters, counts = sum(map(len, layers)), {}
    for name in set(layers):
        inner = group.get(name)
        weights = texts(inner, "weight_names", MOST_LINKS) if isinstance(inner, h5py.Group) else []
        counts[name] = len(weights)
        letters += sum(map(len, weights))
        if letters > MOST_LETTERS:
            break
    if letters > MOST_LETTERS or sum(counts.get(name, 0) for name in layers) > MOST_LINKS:
        return f"expected the names of at most {MOST_LINKS:,} weights, received more"
    return None


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
            told = f"it wants weights of shape {tuple(sides)}, and the file has {values:,} numbers"
            raise MissingError(told)
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
