"""Run a model once and keep every layer's output.

A layer's symbolic `output` is that of its first call only, and sub-classed models have none. So the layers'
own `call` is replaced on each instance, for one real, eager forward pass, and put back.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from generator.data import Activations, LayerInfo, ModelInfo
from generator.errors import ModelError
from generator.model.load import load_model

DEFAULT_SIDE = 224  # pixels, where a model takes pictures of any size
_recording = threading.Lock()


@dataclass(frozen=True)
class Call:
    """One call of a layer: what went in first, and what came out, as the backend's own tensors."""

    layer: keras.Layer
    name: str
    given: Any
    result: Any


class KerasExtractor:
    """Opens a model file, describes its layers, and records what they make of an image."""

    def __init__(self, path: Path, digest: str):
        """Load the model in `path`, whose SHA-256 is `digest`; raises `ModelError` if it cannot be drawn."""
        self.path, self.digest = path, digest
        self.model, self.repairs = load_model(path)
        self.batch, self.input_shape = _input_shape(self.model)

    def describe(self) -> ModelInfo:
        """Find out which layers are called in which order, from one pass over an empty image."""
        empty = np.zeros(self.input_shape, np.float32)
        calls, outputs = self._run(empty)
        found = _layer_infos(calls)
        producers = {id(call.result): call for call in reversed(calls)}  # the first to make a result made it
        last = producers.get(id(outputs[0])) if len(outputs) == 1 else None
        return ModelInfo(
            file=self.path.name,
            digest=self.digest,
            name=self.model.name,
            input_shape=self.input_shape,
            parameters=self.model.count_params(),
            layers=found,
            output_shapes=tuple(tuple(output.shape[1:]) for output in outputs),
            final_activation=_activation(last.layer) if last else None,
            value_range=_value_range(calls, found),
            repairs=self.repairs,
            versions={"keras": keras.__version__, keras.backend.backend(): _backend_version()},
        )

    def extract(self, values: np.ndarray) -> Activations:
        """Record one forward pass over an image, float32 (height, width, channels)."""
        calls, outputs = self._run(values)
        infos = _layer_infos(calls)
        maps = {info.index: _to_maps(call) for info, call in zip(infos, calls, strict=True) if info.is_map}
        return Activations(maps, tuple(_to_numpy(output)[0] for output in outputs))

    def _run(self, values: np.ndarray) -> tuple[list[Call], list[Any]]:
        batch = keras.ops.convert_to_tensor(np.repeat(values[None], self.batch, axis=0))
        try:
            with _recorded(self.model) as calls:
                outputs = self.model(batch, training=False)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"expected a model that runs on one image, received {self.path.name}: {reason}"
            ) from None
        return calls, keras.tree.flatten(outputs)


def _input_shape(model: keras.Model) -> tuple[int, tuple[int, int, int]]:
    """Return (batch size, (height, width, channels)); sizes that the model leaves open get a default."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ModelError(
            "expected a Sequential or functional model, received one that does not tell its input"
        )
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        shapes = ", ".join(str(tuple(each.shape)) for each in inputs)
        raise ModelError(
            f"expected a model with one image input (batch, height, width, channels), received {shapes}"
        )
    batch, *sides, channels = inputs[0].shape
    if channels not in (1, 3):
        raise ModelError(f"expected a model of images with 1 or 3 channels, received {channels} channels")
    return batch or 1, (*(side or DEFAULT_SIDE for side in sides), channels)


@contextmanager
def _recorded(model: keras.Model) -> Iterator[list[Call]]:
    """Collect the calls of all layers of `model` for as long as the context lasts."""
    calls, path, counts, watched = [], [], {}, []

    def watch(layer: keras.Layer, inner: list[keras.Layer]) -> None:
        original = layer.call

        def call(*args, **kwargs):
            path.append(layer.name)
            try:
                result = original(*args, **kwargs)
            finally:
                name = "/".join(path)
                path.pop()
            if not inner:
                counts[name] = counts.get(name, 0) + 1
                numbered = name if counts[name] == 1 else f"{name} (call {counts[name]})"
                given = keras.tree.flatten((args, kwargs))
                calls.append(Call(layer, numbered, given[0] if given else None, _first(result)))
            return result

        layer.__dict__["call"] = call
        watched.append(layer)
        for each in inner:
            if "call" not in each.__dict__:
                watch(each, _inner_layers(each))

    with _recording:
        try:
            for layer in _inner_layers(model):
                if "call" not in layer.__dict__:
                    watch(layer, _inner_layers(layer))
            yield calls
        finally:
            for layer in watched:
                del layer.__dict__["call"]


def _inner_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Return the layers to look at inside a layer: a model's own, none for what keras counts as one layer."""
    if not isinstance(layer, keras.Model):
        return []
    return [each for each in layer.layers if not isinstance(each, keras.layers.InputLayer)]


def _layer_infos(calls: list[Call]) -> tuple[LayerInfo, ...]:
    """Describe calls in execution order."""
    infos, producers = [], {}
    for index, call in enumerate(calls, 1):
        shape = tuple(int(side) for side in call.result.shape[1:]) if call.result is not None else ()
        if len(shape) == 3 and _is_channels_first(call.layer):
            shape = (*shape[1:], shape[0])
        info = LayerInfo(
            index=index,
            name=call.name,
            kind=type(call.layer).__name__,
            family=_family(call.layer),
            shape=shape,
            parameters=call.layer.count_params() if call.layer.built else 0,
            activation=_activation(call.layer),
        )
        if call.result is call.given:  # the very same tensor went through
            info = replace(info, repeats=producers.get(id(call.given), 0))
        producers.setdefault(id(call.result), index)
        infos.append(info)
    return tuple(infos)


def _to_maps(call: Call) -> np.ndarray:
    """Return a call's result as read-only float32 (height, width, channels)."""
    maps = _to_numpy(call.result)[0]
    if _is_channels_first(call.layer):
        maps = np.ascontiguousarray(np.moveaxis(maps, 0, -1))
    maps.flags.writeable = False
    return maps


def _to_numpy(tensor: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(tensor), np.float32)


def _first(result: Any) -> Any:
    flat = keras.tree.flatten(result)
    return flat[0] if flat and hasattr(flat[0], "shape") else None


def _is_channels_first(layer: keras.Layer) -> bool:
    return getattr(layer, "data_format", None) == "channels_first"


def _activation(layer: keras.Layer) -> str | None:
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    function = getattr(layer, "activation", None)
    return getattr(function, "__name__", None) if function is not None else None


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


def _family(layer: keras.Layer) -> str:
    for family, names in FAMILY_CLASSES.items():
        classes = tuple(getattr(keras.layers, name) for name in names.split() if hasattr(keras.layers, name))
        if isinstance(layer, classes):
            return family
    return "other"


def _value_range(calls: list[Call], infos: tuple[LayerInfo, ...]) -> tuple[int, int] | None:
    """Return the pixel values that the model's own first step expects, `None` where it has none.

    A step that divides by more than 20, or takes away a mean above 2, is meant for values up to 255.
    """
    working = [call for call, info in zip(calls, infos, strict=True) if info.repeats is None]
    first = working[0].layer if working else None
    if isinstance(first, keras.layers.Rescaling):
        return (0, 255) if np.abs(first.scale).max() < 1 / 20 else (0, 1)
    if isinstance(first, keras.layers.Normalization):
        mean, variance = _to_numpy(first.mean), _to_numpy(first.variance)
        return (0, 255) if np.abs(mean).max() > 2 or variance.max() > 4 else (0, 1)
    return None


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
