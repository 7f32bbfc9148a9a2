"""Describe the layers of a model by the calls of one pass."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from generator.core.facts import Missing, Notice, Shown
from generator.core.records import LayerInfo, ReceptiveField
from generator.model.keras.receptive import WINDOWED
from generator.model.keras.recording import Call, function_name, fused_activation

GLOBAL_POOLING = tuple(
    getattr(keras.layers, f"Global{way}Pooling{rank}D") for way in ("Max", "Average") for rank in (1, 2, 3)
)
SETTLING = tuple(
    getattr(keras.layers, name)
    for name in (
        "BatchNormalization", "GroupNormalization", "LayerNormalization",
        "Activation", "ReLU", "LeakyReLU", "ELU", "PReLU",
    )
)  # fmt: skip


def is_elementwise(call: Call, picture: Any) -> bool:
    """Whether a call scales or shifts the picture's values, and no more."""
    scaling = isinstance(call.operation, keras.layers.BatchNormalization | keras.layers.Normalization)
    learned = getattr(call.operation, "trainable_variables", ()) and not scaling
    same = call.result is not None and picture is not None and call.result.shape == picture.shape
    return same and not learned and family_of(call.operation) not in ("convolution", "pooling", "resizing")


def describe_layers(calls: list[Call]) -> tuple[LayerInfo, ...]:
    """Describe calls in execution order."""
    infos, producers = [], {}
    for index, (call, first) in enumerate(zip(calls, channels_first(calls), strict=True), 1):
        layer = call.operation if isinstance(call.operation, keras.Layer) else None
        shape = tuple(int(side) for side in call.result.shape[1:]) if call.result is not None else ()
        if first:
            shape = (*shape[:-3], *shape[-2:], shape[-3]) if len(shape) > 2 else shape[::-1]
        info = LayerInfo(
            index=index,
            name=call.name,
            kind=type(call.operation).__name__,
            family=family_of(layer),
            shape=shape,
            parameters=layer.count_params() if layer and layer.built and not call.fused else 0,
            activation=None if call.fused else _activation(call.operation),
            missing=None if layer else Missing.NO_LAYER,
            notice=call.notice or _notice(shape, layer),
            takes=None if call.fused or call.given is None else producers.get(id(call.given)),
            settles=isinstance(layer, SETTLING),
            is_global=isinstance(layer, GLOBAL_POOLING),
            before_activation=call.fused,
        )
        if call.result is not None and call.result is call.given:  # the very same tensor went through
            info = replace(info, repeats=producers.get(id(call.given), 0))
        producers.setdefault(id(call.result), index)
        infos.append(info)
    return tuple(infos)


def _notice(shape: tuple[int, ...], layer: keras.Layer | None) -> Notice | None:
    match shape:
        case (_, _):
            return Notice(shown=Shown.SEQUENCE)
        case (depth, _, _, _):
            steps = isinstance(layer, keras.layers.TimeDistributed)
            shown = Shown.TIME_STEP if steps else Shown.SLICE
            return Notice(shown=shown, number=depth // 2 + 1, total=depth)
    return None


def fields_for_every_size(
    calls: list[Call], fields: Sequence[ReceptiveField | None]
) -> list[ReceptiveField | None]:
    """Forget the fields from the first layer on whose padding depends on the picture's size."""
    kept: list[ReceptiveField | None] = []
    depends = False
    for call, field in zip(calls, fields, strict=True):
        layer = call.operation
        if isinstance(layer, WINDOWED) and layer.padding == "same":
            depends |= max(keras.tree.flatten(layer.strides)) > 1
        kept.append(None if depends else field)
    return kept


def with_field(info: LayerInfo, field: ReceptiveField | None) -> LayerInfo:
    return replace(info, receptive=field if len(info.shape) == 3 else None)


def varying_sides(one: LayerInfo, other: LayerInfo) -> LayerInfo:
    """Mark the sides of the output that depend on the size of the image; so may where its padding lies."""
    sides = (a if a == b else None for a, b in zip(one.shape, other.shape, strict=True))
    return replace(
        one, shape=tuple(sides), receptive=one.receptive if one.receptive == other.receptive else None
    )


def channels_first(calls: list[Call]) -> list[bool]:
    """Say for each call whether its result has its channels first: the layer tells, or what went in."""
    formats: dict[int, bool] = {}
    found = []
    for call in calls:
        layer, rank = call.operation, len(call.result.shape) if call.result is not None else 0
        own = getattr(layer, "data_format", None)
        if own:
            first = own == "channels_first"
        elif isinstance(layer, keras.layers.BatchNormalization) and rank > 3:
            first = layer.axis in (1, 1 - rank)
        elif isinstance(layer, keras.layers.Reshape | keras.layers.Permute):
            first = False
        else:
            first = formats.get(id(call.given), False)
        formats[id(call.result)] = first
        found.append(first and rank > 2)
    return found


def final_activation(calls: list[Call], outputs: list[Any]) -> str | None:
    producers = {
        id(call.result): call for call in reversed(calls) if not call.fused
    }  # the first is the maker
    last = producers.get(id(outputs[0])) if len(outputs) == 1 else None
    return _activation(last.operation) if last else None


def _activation(operation: keras.Operation) -> str | None:
    kind = type(operation).__name__.lower()
    if kind in ("softmax", "sigmoid"):  # the layer or the operation
        return kind
    if isinstance(operation, keras.layers.Activation):
        return function_name(operation.activation)
    return fused_activation(operation)


FAMILY_CLASSES = {
    "convolution": (
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose "
        "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D"
    ),
    "pooling": " ".join(
        f"{way}Pooling{rank}D"
        for way in ("Max", "Average", "GlobalMax", "GlobalAverage")
        for rank in (1, 2, 3)
    ),
    "normalization": (
        "BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization "
        "Normalization"
    ),
    "activation": "Activation ReLU LeakyReLU ELU PReLU Softmax",
    "merging": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot",
    "resizing": (
        "UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D "
        "Cropping1D Cropping2D Cropping3D Resizing Reshape Permute"
    ),
}


def family_of(layer: keras.Operation | None) -> str:
    if isinstance(layer, keras.layers.TimeDistributed):
        return family_of(layer.layer)
    for family, names in FAMILY_CLASSES.items():
        classes = tuple(getattr(keras.layers, name) for name in names.split() if hasattr(keras.layers, name))
        if isinstance(layer, classes):
            return family
    return "other"
