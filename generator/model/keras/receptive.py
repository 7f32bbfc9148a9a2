"""Receptive fields: which rows and columns of the picture one value of a layer depends on.

They follow from kernel sizes, strides, dilations and padding (Araujo, Norris and Sim, "Computing Receptive
Fields of Convolutional Neural Networks", Distill 2019). What is not known to be local is unknown: a field is
told only where every way from the picture leads through operations of known extent.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from generator.core.records import ReceptiveField
from generator.model.keras.recording import Call

WINDOWED = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)
POINTWISE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.Normalization,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.SpatialDropout2D,
)
OVER_CHANNELS = (
    keras.layers.Concatenate,
    keras.layers.LayerNormalization,
    keras.layers.Softmax,
    keras.layers.UnitNormalization,
)
MERGING = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Subtract,
)
WHOLE = (
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GroupNormalization,
)
# Operations of keras.ops that work value by value; of several tensors they merge the values at one place.
OPERATIONS = set(
    """Abs Absolute Add Cast Clip Divide Elu Exp Gelu HardSigmoid HardSilu HardSwish LeakyRelu Log Maximum
    Minimum Multiply Negative Power Relu Relu6 Selu Sigmoid Silu Softplus Softsign Sqrt Square Subtract Swish
    Tanh TrueDivide""".split()  # noqa: SIM905
)


def receptive_fields(calls: Sequence[Call], picture: Any) -> list[ReceptiveField | None]:
    """Return for each call the field of its result's position (0, 0), `None` where it is unknown.

    `picture` is the tensor that was fed, with its two sides as axes 1 and 2, or 2 and 3.
    """
    start = ReceptiveField(size=(1, 1), stride=(1, 1), start=(0, 0))
    known: dict[int, ReceptiveField | None] = {id(picture): start if len(picture.shape) == 4 else None}
    found: list[ReceptiveField | None] = []
    first = any(getattr(call.operation, "data_format", None) == "channels_first" for call in calls)
    for call in calls:
        if call.result is not None and id(call.result) in known:  # handed on, or seen by an inner layer
            field = known[id(call.result)]
        else:
            field = _field_of(call, known, channel_axis=1 if first else 3)
            known[id(call.result)] = field
        found.append(field)
    by_operation = {
        id(call.operation): field for call, field in zip(calls, found, strict=True) if not call.fused
    }
    return [
        by_operation.get(id(call.operation)) if call.fused else field
        for call, field in zip(calls, found, strict=True)
    ]


def _field_of(
    call: Call, known: dict[int, ReceptiveField | None], channel_axis: int
) -> ReceptiveField | None:
    tensors = [each for each in keras.tree.flatten((call.args, call.kwargs)) if len(np.shape(each)) > 0]
    if not tensors or any(known.get(id(each)) is None for each in tensors):
        return None
    given = _union([known[id(each)] for each in tensors])
    if given is None or not type(call.operation).__module__.startswith("keras."):
        return None
    return given if given.whole else _through(call.operation, given, tensors[0].shape, channel_axis)


def _through(
    operation: keras.Operation, given: ReceptiveField, shape: Sequence[int], channel_axis: int
) -> ReceptiveField | None:
    """Return the field of what one of Keras's operations makes of tensors of `shape` that have one field."""
    rank = len(shape)
    if isinstance(operation, WINDOWED):
        return _window(operation, given, shape)
    if isinstance(operation, keras.layers.ZeroPadding2D | keras.layers.Cropping2D):
        padding = isinstance(operation, keras.layers.ZeroPadding2D)
        amounts = operation.padding if padding else operation.cropping
        return _shift(given, [-before if padding else before for before, _ in amounts])
    if isinstance(operation, WHOLE):
        return ReceptiveField(given.size, given.stride, given.start, whole=True)
    if isinstance(operation, OVER_CHANNELS):
        return given if _axes(operation, rank) == {channel_axis} else None
    if isinstance(operation, keras.layers.Activation):
        return given if operation.activation.__module__.startswith("keras.") else None
    if isinstance(operation, keras.layers.Dense):
        return given if channel_axis == rank - 1 else None
    named = not isinstance(operation, keras.Layer) and type(operation).__name__ in OPERATIONS
    return given if named or isinstance(operation, POINTWISE + MERGING) else None


def _axes(operation: keras.Layer, rank: int) -> set[int]:
    axes = [operation.axis] if isinstance(operation.axis, int) else operation.axis
    return {axis % rank for axis in axes}


def _window(layer: keras.Layer, given: ReceptiveField, shape: Sequence[int]) -> ReceptiveField:
    """Return the field behind a window that slides over a tensor of `shape`."""
    window = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    strides = _pair(layer.strides)
    sides = shape[2:4] if layer.data_format == "channels_first" else shape[1:3]
    size, stride, start = [], [], []
    for axis in range(2):
        extent = (_pair(window)[axis] - 1) * dilation[axis] + 1
        before = 0
        if layer.padding == "same":
            steps = -(-sides[axis] // strides[axis])
            before = max((steps - 1) * strides[axis] + extent - sides[axis], 0) // 2
        size.append(given.size[axis] + (extent - 1) * given.stride[axis])
        stride.append(given.stride[axis] * strides[axis])
        start.append(given.start[axis] - before * given.stride[axis])
    return ReceptiveField(tuple(size), tuple(stride), tuple(start))


def _shift(given: ReceptiveField, steps: Sequence[int]) -> ReceptiveField:
    start = tuple(
        at + step * stride for at, step, stride in zip(given.start, steps, given.stride, strict=True)
    )
    return ReceptiveField(given.size, given.stride, start)


def _union(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    """Return the smallest field that covers all, `None` where they do not move in step."""
    for field in fields:
        if field.whole:
            return field
    if len({field.stride for field in fields}) > 1:
        return None
    start = tuple(min(field.start[axis] for field in fields) for axis in range(2))
    size = tuple(
        max(field.start[axis] + field.size[axis] for field in fields) - start[axis] for axis in range(2)
    )
    return ReceptiveField(size, fields[0].stride, start)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
