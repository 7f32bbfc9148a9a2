"""Translate what Keras 1 and 2 wrote about layers into the words of Keras 3, computing the same.

Initializers, regularizers and constraints matter for training only, so they are left out without a word;
other arguments that a class no longer takes only where they cannot change a result.
"""

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from generator.core.formatting import one_line

EXPLICIT_INPUT = "gave a Sequential model an explicit input layer"
NAMED_LAYERS = "read a Sequential configuration that is a bare list of layers"
DROPPED_ARGUMENTS = "dropped arguments that do not matter for inference"
KERAS_1 = "translated the names and layouts of Keras 1"
TURNED = "turned the convolution kernels by 180°, since Theano trained them"
RENAMED = "renamed layers, since a name may have no slash"
HARD_SIGMOID = "kept the hard sigmoid of Keras 2, which is not that of Keras 3"
OPERATIONS = "wrapped TensorFlow operations in layers"
PLAIN_MODEL = "read a model of a class of its author's own as the graph of layers that it is"

CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
}
MERGES = {
    "concat": "Concatenate",
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "min": "Minimum",
}
KERAS_1_ARGUMENTS = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
    "length": "size",
    "bias": "use_bias",
    "atrous_rate": "dilation_rate",
    "output_dim": "units",
    "p": "rate",
    "sigma": "stddev",
    "dim_ordering": "data_format",
    "concat_axis": "axis",
}
RENAMED_ARGUMENTS = KERAS_1_ARGUMENTS | {"alpha": "negative_slope", "theta": "threshold"}
KERNEL_SIDES = ("nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3")  # in this order
DATA_FORMATS = {"th": "channels_first", "tf": "channels_last"}
TRAINING_ENDINGS = ("_initializer", "_regularizer", "_constraint")
INPUT_ARGUMENTS = {"batch_input_shape", "batch_shape", "input_shape", "input_length", "input_dtype"}
IRRELEVANT = re.compile(  # whatever the value
    "fused|virtual_batch_size|adjustment|renorm_clipping|renorm_momentum|experimental_autocast|seed|trainable|"
    "noise_shape|(.+_)?init|weights|input_dim|implementation|unroll|consume_less|(query|key|value)_shape|"
    "output_shape"  # see check_shape()
)
IRRELEVANT_VALUES = {"groups": 1, "mode": 0} | dict.fromkeys(
    ("renorm", "time_major", "softmax_robust_masking", "zero_output_for_mask"), False
)
TURNED_BY_THEANO = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")


class MissingError(ValueError):
    """A layer cannot be built; the message, in our own words, says why."""

    _keras_call_info_injected = True  # else Keras raises another of this class, with its own words in it


def major(version: str) -> int:
    """Return the first number of a version of Keras, 0 where the file does not tell."""
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0


def modern_class(kind: str, config: dict[str, Any]) -> str:
    """Return what Keras 3 calls a layer's class."""
    return MERGES.get(config.get("mode"), kind) if kind == "Merge" else CLASSES.get(kind, kind)


def modern_arguments(
    kind: str, config: dict[str, Any], accepted: Collection[str], repairs: dict[str, None]
) -> dict[str, Any]:
    """Return a layer's configuration in the arguments that its class takes now, the `accepted` ones.

    `kind` is the class as the file has it; `repairs` gets what was done. Raises `MissingError` where an
    argument is left over that may change a result.
    """
    kept: dict[str, Any] = {}
    for key, value in _renamed(kind, config, accepted, repairs).items():
        if key in accepted:
            kept[key] = value
        elif _is_irrelevant(kind, key, value):
            repairs[DROPPED_ARGUMENTS] = None
        else:
            told = one_line(f"{key}={value!r}")[:80]
            raise MissingError(f"its argument {told} is unknown now, and may change the result")
    if kind == "GRU":  # what it was before there was a choice
        kept.setdefault("reset_after", False)
    if kind.endswith("BatchNormalization") and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]
    return kept


def _renamed(
    kind: str, config: dict[str, Any], accepted: Collection[str], repairs: dict[str, None]
) -> dict[str, Any]:
    """Return a layer's configuration in the words of Keras 3, without what is for training or the input."""
    if kind == "Merge":
        repairs[KERAS_1] = None
        kept = {"name", "concat_axis"} if config["mode"] == "concat" else {"name"}
        config = {key: config[key] for key in kept & config.keys()}
    words: dict[str, Any] = {}
    for key, value in config.items():
        new = RENAMED_ARGUMENTS.get(key)
        if key.endswith(TRAINING_ENDINGS) or key in INPUT_ARGUMENTS:
            continue
        if key in KERNEL_SIDES:
            words.setdefault("kernel_size", []).append(value)
        elif key not in accepted and new in accepted and new not in config:
            words[new] = DATA_FORMATS.get(value, value) if key == "dim_ordering" else value
        else:
            words[key] = value
        if key in KERNEL_SIDES or (key in KERAS_1_ARGUMENTS and key not in accepted):
            repairs[KERAS_1] = None
    return words


def _is_irrelevant(kind: str, key: str, value: Any) -> bool:
    """Whether an argument changes nothing at inference, where random layers do nothing but for cropping."""
    random = kind.startswith("Random") and kind != "RandomCrop"
    if random or value is None or IRRELEVANT.fullmatch(key):
        return True
    return key in IRRELEVANT_VALUES and value == IRRELEVANT_VALUES[key]


def check_shape(kind: str, config: dict[str, Any], shape: tuple[int | None, ...]) -> None:
    """Raise `MissingError` where a deconvolution of Keras 1, which was told its shape, has another."""
    told = config.get("output_shape") if kind == "Deconvolution2D" else None
    if told and any(a != b for a, b in zip(told[1:], shape[1:], strict=True) if a and b):
        raise MissingError(f"its outputs are of shape {told}, which Keras 3 makes {list(shape)}")


def modern_kernel(
    array: np.ndarray, kind: str, shape: tuple[int, ...], data_format: str | None, keras_1: bool, theano: bool
) -> np.ndarray:
    """Return a kernel as a layer of class `kind` in Keras 3 has it: of `shape`, for cross-correlation.

    `keras_1` says that it is laid out as Keras 1 did, (out, in, rows, columns) for channels first; `theano`
    that it was trained with Theano, whose convolution turns its kernels.
    """
    if keras_1 and kind == "Conv1D" and array.ndim == 4:
        if array.shape[:2] != (shape[0], 1) or array.shape[3] != shape[2]:
            array = array.transpose(2, 3, 1, 0)
        array = array[:, 0]
    elif keras_1 and kind != "Conv1D" and data_format == "channels_first":
        order = (2, 3, 0, 1) if kind == "Conv2DTranspose" else (*range(2, array.ndim), 1, 0)
        array = array.transpose(order)
    elif keras_1 and kind == "Conv2DTranspose":
        array = array.transpose(0, 1, 3, 2)
    if theano and kind in TURNED_BY_THEANO:
        array = np.flip(array, tuple(range(array.ndim - 2)))
    return array


def as_graph(config: dict[str, Any], given: list | None, repairs: dict[str, None]) -> dict[str, Any]:
    """Return the configuration of a Sequential model as that of a functional one: a chain of layers.

    `given` is the shape, with the batch axis, of what the model is called on, where that is known. Raises
    `MissingError` where nothing tells the input's shape.
    """
    layers = config["layers"]
    inputs, chain, previous = [], [], None
    if (
        layers[0]["class_name"] == "Merge"
    ):  # Keras 1: a Sequential model for each branch, inside the first layer
        ends = []
        for branch in layers[0]["config"]["layers"]:
            graph = as_graph(_settled(branch), None, repairs)
            inputs += graph["input_layers"]
            ends += graph["output_layers"]
            chain += graph["layers"]
        merge = layers[0] | {"inbound_nodes": [ends]}
        chain, previous, layers = [*chain, merge], name_of(merge), layers[1:]
    elif layers[0]["class_name"] != "InputLayer":
        layers = [_input_layer(layers[0], config, given, repairs), *layers]
    for layer in layers:
        chain.append(layer | {"inbound_nodes": [[[previous, 0, 0]]] if previous else []})
        previous = name_of(layer)
    inputs = inputs or [[name_of(layers[0]), 0, 0]]
    return config | {"layers": chain, "input_layers": inputs, "output_layers": [[previous, 0, 0]]}


def name_of(layer: dict[str, Any]) -> str:
    """Return a layer's name, by which others and the weights refer to it."""
    config = layer["config"]
    return (
        layer.get("name") or (config.get("name") if isinstance(config, dict) else None) or layer["class_name"]
    )


def _settled(layer: dict[str, Any]) -> dict[str, Any]:
    """Return a model's configuration as a dictionary, which Keras before 2.2.3 wrote as a bare list."""
    config = layer["config"]
    return {"name": name_of(layer), "layers": config} if isinstance(config, list) else config


def _input_layer(first: dict, config: dict, given: list | None, repairs: dict[str, None]) -> dict[str, Any]:
    """Return the input layer for a Sequential model that has none."""
    found = _input_of(first)
    if "batch_input_shape" in found:
        repairs[EXPLICIT_INPUT] = None
    shape = (
        found.get("batch_input_shape") or found.get("batch_shape") or config.get("build_input_shape") or given
    )
    if not shape:
        raise MissingError("nothing in the file tells the shape of its input")
    dtype = found.get("input_dtype") or found.get("dtype")
    dtype = dtype if isinstance(dtype, str) and not dtype.startswith("mixed") else "float32"
    inner = {"batch_input_shape": shape, "dtype": dtype, "name": f"{name_of(first)}_input"}
    return {"class_name": "InputLayer", "name": inner["name"], "config": inner}


def _input_of(layer: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that has the shape of a layer's input: its own, or of one inside a model."""
    config = layer["config"]
    layers = config if isinstance(config, list) else config.get("layers")
    if not layers or "batch_input_shape" in config:
        return config
    name = None if layers is config else config.get("input_layers")
    while isinstance(name, list | dict):
        name = next(iter(name.values() if isinstance(name, dict) else name))
    return _input_of(next((each for each in layers if name_of(each) == name), layers[0]))
