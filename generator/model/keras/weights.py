"""Put the stored weights into a rebuilt model, layer by layer, so that a part of one gets its own.

Every shape and every count is checked: a model with wrong numbers looks like one with right ones.
"""

import re
from collections import Counter
from typing import Any

import h5py
import keras
import numpy as np

from generator.core.errors import ModelError
from generator.model.keras import keras1_and_2
from generator.model.keras.stored_graph import Part

MOST_ENTRIES = 1000  # of one layer, in a .keras file: every layer's are gone through
SEED = re.compile(r"(^|/)(StateVar|seed_generator)")


def load_hdf5(file: h5py.File, model: Part, version: str, backend: str, repairs: dict[str, None]) -> None:
    """Set the weights of all layers that were built, from a whole model in HDF5.

    `version` and `backend` are of the Keras that wrote it; `repairs` gets what was done. Raises `ModelError`
    where weights are missing, left over or of another shape.
    """
    group = file.get("model_weights", file)
    stored = {name: _arrays(_item(group, name, h5py.Group)) for name in texts(group, "layer_names")}
    stored = {name: arrays for name, arrays in stored.items() if arrays}
    keras_1 = version[:1] in ("0", "1") or (not version and keras1_and_2.KERAS_1 in repairs)
    names = [name for arrays in stored.values() for name, _ in arrays]
    dated = not backend and (keras_1 or keras1_and_2.major(version) == 2)
    # Where nothing tells: variables of TensorFlow had ":0" in their names, those of Theano had not.
    theano = backend == "theano" or (dated and not any(name.endswith(":0") for name in names))
    wanted = [each for each in model.parts if each.layer is not None and each.layer.weights]
    if model.is_whole and {each.name for each in wanted} != set(stored):  # by order then, as Keras does
        if len(wanted) != len(stored):
            raise ModelError(f"expected weights for {len(wanted)} layers, received {len(stored)}")
        stored = {each.name: arrays for each, arrays in zip(wanted, stored.values(), strict=True)}
    for each in wanted:
        for variable, part, dataset in _pairs(
            each, stored.pop(each.name, []), keras1_and_2.major(version) > 2
        ):
            array = _read(dataset)
            if variable.name.endswith("kernel"):
                kind = keras1_and_2.modern_class(part.kind, part.config)
                data_format = getattr(part.layer, "data_format", None)
                array = keras1_and_2.modern_kernel(array, kind, variable.shape, data_format, keras_1, theano)
                if theano and kind in keras1_and_2.TURNED_BY_THEANO:
                    repairs[keras1_and_2.TURNED] = None
            _assign(variable, array, part)
        _finalize(each)
    left = set(stored) & {each.name for each in model.parts if each.is_whole}
    if left:
        raise ModelError(f"expected a layer for all weights, received more for {', '.join(sorted(left))}")


def load_zip(group: h5py.Group, model: Part) -> None:
    """Set the weights of all layers that were built, from the weights inside a .keras file.

    There they lie below the names of classes, counted over all layers of a model, left out ones too. Raises
    `ModelError` where some are missing or of another shape.
    """
    layers = next((group[key] for key in ("layers", "_layer_checkpoint_dependencies") if key in group), {})
    counts: Counter[str] = Counter()
    for part in model.parts:
        if part.is_operation:
            continue
        kind = _snake_case(part.kind)
        name = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
        if part.layer is None:
            continue
        inside = _item(layers, name, h5py.Group) if name in layers else {}
        if part.is_model:
            load_zip(inside, part)
        elif part.parts and part.parts[0].is_model:  # which a layer wraps
            load_zip(inside.get("layer", {}), part.parts[0])
        else:
            _load_leaf(part, inside)


def _load_leaf(part: Part, group: Any) -> None:
    found = _load_variables(part.layer, group)
    if found != len(part.layer.weights):
        raise ModelError(f"expected {len(part.layer.weights)} weights for {part.name}, received {found}")


def _load_variables(layer: keras.Layer, group: Any) -> int:
    """Load a layer and those inside it, which lie below the names of its attributes; return the count."""
    values = group.get("vars", {})
    if max(len(group), len(values)) > MOST_ENTRIES:
        raise ModelError(f"expected the weights of {layer.name}, received more than {MOST_ENTRIES:,}")
    arrays = {key: _read(_item(values, key, h5py.Dataset)) for key in values}
    if arrays:
        layer.load_own_variables(arrays)
    count = len(arrays)
    for key in group:
        inner = getattr(layer, key, None) if key != "vars" else None
        if isinstance(inner, keras.Layer):
            count += _load_variables(inner, group[key])
        elif isinstance(inner, list | tuple):
            counts: Counter[str] = Counter()
            for each in inner:
                kind = _snake_case(type(each).__name__)
                name = f"{kind}_{counts[kind]}" if counts[kind] else kind
                counts[kind] += 1
                if isinstance(each, keras.Layer) and name in group[key]:
                    count += _load_variables(each, group[key][name])
    return count


def _snake_case(name: str) -> str:
    """Return the name of a class as Keras writes it in files."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _pairs(
    part: Part, arrays: list[tuple[str, h5py.Dataset]], modern: bool
) -> list[tuple[Any, Part, h5py.Dataset]]:
    """Return each variable with its layer and the data set of its value.

    Inside a model the values' names tell, where they name its layers; in part of a model they have to. Else
    the order does, which depends on what was trainable, of which old files do not tell all.
    """
    variables = [pair for pairs in _ordered(part, modern) for pair in pairs]
    named = {each.name: [] for _, each in variables}
    for name, array in arrays:
        named.get(name.rpartition("/")[0].rpartition("/")[2], []).append(array)
    counts = Counter(each.name for _, each in variables)
    if part.parts and counts == {name: len(found) for name, found in named.items()}:
        values = {name: iter(found) for name, found in named.items()}
        return [(variable, each, next(values[each.name])) for variable, each in variables]
    if not part.is_whole or len(variables) != len(arrays):
        raise ModelError(f"expected {len(variables)} weights for {part.name}, received {len(arrays)}")
    return [(*pair, array) for pair, (_, array) in zip(variables, arrays, strict=True)]


def _ordered(part: Part, modern: bool) -> tuple[list[tuple[Any, Part]], list[tuple[Any, Part]]]:
    """Return a layer's trainable and other variables, each in the order in which HDF5 files have them.

    Those of a model that is not trainable count as others: before Keras 3 first those that could be trained.
    """
    if part.layer is None:
        return [], []
    if not part.parts:
        layer = part.layer
        return [(v, part) for v in layer.trainable_weights], [(v, part) for v in layer.non_trainable_weights]
    inside = [_ordered(each, modern) for each in part.parts]
    trainable = [each for first, _ in inside for each in first]
    others = [each for _, second in inside for each in second]
    if not part.is_model or part.config.get("trainable", True):
        return trainable, others
    return [], [each for first, second in inside for each in first + second] if modern else trainable + others


def _assign(variable: Any, array: np.ndarray, part: Part) -> None:
    if tuple(variable.shape) != array.shape:
        raise ModelError(
            f"expected weights of shape {tuple(variable.shape)} for {variable.name} of {part.name}, "
            f"received {array.shape}"
        )
    variable.assign(array)


def _finalize(part: Part) -> None:
    """Let layers take over what they compute from their weights, as a normalization does."""
    for each in part.parts:
        _finalize(each)
    if not part.parts and hasattr(part.layer, "finalize_state"):
        part.layer.finalize_state()


def _arrays(group: h5py.Group) -> list[tuple[str, h5py.Dataset]]:
    """Return names and data sets of a layer's weights, in order, without the states of random generators."""
    names = [name for name in texts(group, "weight_names") if not SEED.search(name)]
    return [(name, _item(group, name, h5py.Dataset)) for name in names]


def _item(group: Any, name: str, kind: type) -> Any:
    """Return what lies below a name, which must not lead to another file."""
    found = group[name]
    if not isinstance(found, kind) or found.file.filename != group.file.filename:
        raise ModelError(f"expected weights below {name}, received something else")
    return found


def _read(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.external or dataset.is_virtual:
        raise ModelError(f"expected weights in {dataset.name}, received a pointer to another file")
    return dataset[()] if dataset.shape else np.asarray(dataset[()])


def texts(group: h5py.Group, name: str, most: int | None = None) -> list[str]:
    """Return a list of texts, which Keras splits over several attributes where it is long.

    Of one that is longer than `most` only so many, and some more, are read.
    """
    if name in group.attrs:
        return list(map(_text, group.attrs[name]))
    found, number = [], 0
    while f"{name}{number}" in group.attrs and (most is None or len(found) <= most):
        found += map(_text, group.attrs[f"{name}{number}"])
        number += 1
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
