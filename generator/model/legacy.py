"""Turn the configuration of an old HDF5 model into one that Keras 3 reads, computing the same.

Keras 1 and 2 gave a Sequential model's input shape to its first layer, and wrote arguments that classes no
longer take. Only the configuration is repaired, on a copy; the weights and their order stay as they are.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

EXPLICIT_INPUT = "gave a Sequential model an explicit input layer"
NAMED_LAYERS = "read a Sequential configuration that is a bare list of layers"
DROPPED_ARGUMENTS = "dropped arguments that do not matter for inference"

UNUSED_ENDINGS = ("_initializer", "_regularizer", "_constraint")  # training only
UNUSED = {
    "DepthwiseConv2D": {"groups", "filters"},
    "Conv2DTranspose": {"groups"},
    "SeparableConv2D": {"groups"},
    "BatchNormalization": {"fused", "virtual_batch_size", "adjustment"},
}


@contextmanager
def readable(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give a file that Keras 3 reads, and what was repaired in it: `path` itself where nothing was."""
    if not h5py.is_hdf5(path):
        yield path, ()
        return
    with h5py.File(path) as file:
        config, version = json.loads(file.attrs["model_config"]), _text(file.attrs.get("keras_version", ""))
    repaired, repairs = repair(config)
    if version.startswith("3.") or repaired == config:
        yield path, ()
        return
    with tempfile.TemporaryDirectory(prefix="activation-gallery-") as folder:
        copy = Path(shutil.copyfile(path, Path(folder) / "model.h5"))
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(repaired)
        yield copy, repairs


def repair(config: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a repaired copy of a model's configuration, and which kinds of repair it needed."""
    repairs: dict[str, None] = {}
    return _repair_layer(config, repairs), tuple(repairs)


def _repair_layer(layer: dict[str, Any], repairs: dict[str, None]) -> dict[str, Any]:
    kind, config = layer["class_name"], layer["config"]
    if kind == "Sequential" and isinstance(config, list):
        repairs[NAMED_LAYERS] = None
        config = {"name": layer.get("name", "sequential"), "layers": config}
    if isinstance(config.get("layers"), list):
        layers = [_repair_layer(each, repairs) for each in config["layers"]]
        if kind == "Sequential" and "batch_input_shape" in _first_config(config["layers"]):
            repairs[EXPLICIT_INPUT] = None
            layers.insert(0, _input_layer(config["layers"][0]["config"]))
        return layer | {"config": config | {"layers": layers}}
    if kind == "InputLayer":
        return layer
    unused = {key for key in UNUSED.get(kind, ()) if key in config and not _has_groups(key, config[key])}
    if unused:
        repairs[DROPPED_ARGUMENTS] = None
    unused |= {key for key in config if key.endswith(UNUSED_ENDINGS)} | {"batch_input_shape", "input_dtype"}
    kept = {key: value for key, value in config.items() if key not in unused}
    if isinstance(kept.get("dtype"), dict):  # a policy of mixed precision, whose name says it all
        kept["dtype"] = kept["dtype"]["config"]["name"]
    if isinstance(kept.get("layer"), dict):  # what TimeDistributed and its like wrap
        kept["layer"] = _repair_layer(kept["layer"], repairs)
    return layer | {"config": kept}


def _first_config(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the configuration of the first layer, an empty one where that is an input layer or a model."""
    known = layers and layers[0]["class_name"] != "InputLayer" and isinstance(layers[0]["config"], dict)
    return layers[0]["config"] if known else {}


def _input_layer(first: dict[str, Any]) -> dict[str, Any]:
    """Return the input layer for a Sequential model whose first layer carries the input's shape."""
    dtype = first["dtype"] if isinstance(first.get("dtype"), str) else "float32"
    config = {
        "batch_input_shape": first["batch_input_shape"],
        "dtype": dtype,
        "name": f"{first['name']}_input",
    }
    return {"class_name": "InputLayer", "config": config}


def _has_groups(key: str, value: Any) -> bool:
    """Whether this argument changes what is computed, so that Keras itself has to complain."""
    return key == "groups" and value not in (None, 1)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
