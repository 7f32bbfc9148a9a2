"""What a model is fed: which of its inputs gets the picture, in which layout, and what the others get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from generator.core.errors import ModelError
from generator.core.facts import Fed, FedConstant, FedImage, FedPictures, FedZeros
from generator.core.formatting import shape_in_words
from generator.core.records import ModelInput

PICTURE_CHANNELS = (1, 3)


@dataclass(frozen=True, kw_only=True)
class Feed:
    """How one picture becomes all inputs of a model.

    `inputs` are all of them, and `picture` is the position of the one that gets the test image. `axes` puts
    the axes of a picture (height, width, channels) in the model's order; `frames` repeats it along a leading
    axis, 0 for no such axis. `constants` has one value for each other input, zero for one with pictures of
    its own.
    """

    inputs: tuple[ModelInput, ...]
    dtypes: tuple[str, ...]
    batch: int
    picture: int
    shape: tuple[int | None, int | None, int]
    axes: tuple[int, ...]
    frames: int
    constants: Mapping[str, float]

    def tensors(self, values: np.ndarray, others: Mapping[str, np.ndarray]) -> Any:
        """Return all inputs as tensors with a batch axis; pictures are (height, width, channels).

        Inputs that are not among `others` get their constant, as large as the picture where they are open.
        """
        fed = []
        for position, (each, dtype) in enumerate(zip(self.inputs, self.dtypes, strict=True)):
            if position == self.picture:
                array = self._arrange(values)
            elif each.name in others:
                array = others[each.name]
            else:
                sides = values.shape if len(each.shape) == values.ndim else [1] * len(each.shape)
                shape = [known or side for known, side in zip(each.shape, sides, strict=True)]
                array = np.full(shape, self.constants[each.name])
            array = array.reshape(
                [known or side for known, side in zip(each.shape, array.shape, strict=True)]
            )
            batch = np.repeat(array[None], self.batch, axis=0)
            fed.append(keras.ops.convert_to_tensor(_cast(batch, dtype)))
        return fed if len(fed) > 1 else fed[0]

    def _arrange(self, values: np.ndarray) -> np.ndarray:
        array = values[..., 0] if len(self.axes) == 2 else values.transpose(self.axes)
        return np.repeat(array[None], self.frames, axis=0) if self.frames else array


def _cast(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype("float32" if "float" in dtype else dtype)


def find_feed(model: keras.Model, given: Mapping[str, str]) -> Feed:
    """Work out how `model` is fed; `given` says for inputs by name what they get: a folder or a number.

    Raises `ModelError` when no input takes a picture, or a name is not that of an input.
    """
    names, shapes, dtypes = _specify(model)
    unknown = [name for name in given if name not in names]
    if unknown:
        known = ", ".join(names)
        raise ModelError(f"expected --input with one of {known}, received {unknown[0]!r}: correct the name")
    layouts = [
        None if name in given else _layout(model, shape[1:])
        for name, shape in zip(names, shapes, strict=True)
    ]
    picture = next((position for position, layout in enumerate(layouts) if layout), None)
    if picture is None:
        text = ", ".join(
            f"{name} {shape_in_words(shape[1:])}" for name, shape in zip(names, shapes, strict=True)
        )
        raise ModelError(f"expected a model with an input for pictures, received one with {text}")
    shape, axes, frames = layouts[picture]
    inputs, constants = [], {}
    for position, (name, full) in enumerate(zip(names, shapes, strict=True)):
        fed: Fed = FedImage(frames=frames)
        if position != picture:
            fed = _other(name, given.get(name), _layout(model, full[1:]))
            constants[name] = float(fed.number) if isinstance(fed, FedConstant) else 0.0
        inputs.append(ModelInput(name, full[1:], fed))
    batch = next((full[0] for full in shapes if full[0]), 1)
    return Feed(
        inputs=tuple(inputs),
        dtypes=dtypes,
        batch=batch,
        picture=picture,
        shape=shape,
        axes=axes,
        frames=frames,
        constants=constants,
    )


def _other(name: str, value: str | None, layout: Any) -> Fed:
    """Return what an input gets that does not get the test image."""
    if value is None:
        return FedZeros()
    try:
        float(value)
        return FedConstant(number=value)
    except ValueError:
        pass
    folder = Path(value)
    if not folder.is_dir():
        raise ModelError(f"expected a number or a folder of pictures for --input {name}, received {value}")
    if layout is None or layout[1:] != ((0, 1, 2), 0) or layout[0][2] not in PICTURE_CHANNELS:
        raise ModelError(
            f"expected a number for --input {name}, which takes no grey or RGB pictures, received a folder"
        )
    return FedPictures(folder=folder)


def _specify(model: keras.Model) -> tuple[list[str], list[tuple], tuple[str, ...]]:
    """Return names, shapes with the batch axis, and dtypes of all inputs."""
    inputs = getattr(model, "inputs", None)
    if inputs:
        return (
            [each.name for each in inputs],
            [tuple(each.shape) for each in inputs],
            tuple(keras.backend.standardize_dtype(each.dtype) for each in inputs),
        )
    shape = (model.get_build_config() or {}).get("input_shape")  # a sub-classed model that was once called
    if not shape or not all(side is None or isinstance(side, int) for side in shape):
        raise ModelError(
            "expected a model with one known input, received a sub-classed one that does not tell it: "
            "call it once on a picture before you save it"
        )
    return ["input"], [(None, *shape[1:])], ("float32",)


def _layout(model: keras.Model, shape: Sequence[int | None]) -> tuple | None:
    """Return ((height, width, channels), axes, frames) for an input that may take pictures, else `None`."""
    match tuple(shape):
        case (height, width) if height != 1 and width != 1:
            return (height, width, 1), (0, 1), 0
        case (channels, height, width) if _is_channels_first(model, shape):
            return (height, width, channels), (2, 0, 1), 0
        case (height, width, channels) if channels:
            return (height, width, channels), (0, 1, 2), 0
        case (frames, channels, height, width) if _is_channels_first(model, shape[1:]):
            return (height, width, channels), (2, 0, 1), frames or 1
        case (frames, height, width, channels) if channels:
            return (height, width, channels), (0, 1, 2), frames or 1
    return None


def _is_channels_first(model: keras.Model, shape: Sequence[int | None]) -> bool:
    """Decide by the shape where it is plain, else by the first layer that tells."""
    first, last = shape[0] in PICTURE_CHANNELS, shape[-1] in PICTURE_CHANNELS
    if first != last:
        return first
    formats = (getattr(layer, "data_format", None) for layer in model._flatten_layers(include_self=False))
    return next(filter(None, formats), "channels_last") == "channels_first"
