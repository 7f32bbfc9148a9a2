"""Take the outputs of a model's layers as arrays, checked against the model left alone."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from generator.core.errors import ImageError, ModelError, raise_lack_of_memory
from generator.core.facts import ClassScore, Missing
from generator.core.formatting import one_line, shape_in_words
from generator.core.records import Activations, Check, LayerInfo, ModelInfo
from generator.model.keras.compiled import CompiledPass, compile_pass
from generator.model.keras.description import (
    channels_first,
    describe_layers,
    fields_for_every_size,
    final_activation,
    is_elementwise,
    varying_sides,
    with_field,
)
from generator.model.keras.feed import find_feed
from generator.model.keras.gradients import DIFFERENTIATE, Differentiator, GradientPass
from generator.model.keras.loading import LoadedModel, load_model
from generator.model.keras.receptive import receptive_fields
from generator.model.keras.recording import Call, eager_functions, first_tensor, middle_steps, recorded

logger = logging.getLogger(__name__)
EMPTY: Mapping[str, np.ndarray] = {}
SIDES = (224, 256)  # pixels, to describe a model that takes pictures of any size; they tell which sides vary
PASSES_BEFORE_COMPILING = 4  # at one size: about what compiling costs
ROUNDING = {"float16": 1e-2, "bfloat16": 1e-2}  # of the largest value; of all other types 1e-5


@dataclass(frozen=True)
class _Pass:
    """One pass over `fed`, tensors of these `shapes`; `idle` are the layers that were not called."""

    fed: Any
    shapes: tuple[tuple[int, ...], ...]
    calls: list[Call]
    outputs: list[Any]
    idle: Sequence[keras.Operation] = ()
    compiled: CompiledPass | None = None


class KerasExtractor:
    """Opens a model file, describes its layers, and records what they make of an image."""

    def __init__(
        self,
        path: Path,
        digest: str,
        *,
        allow_unsafe: bool = False,
        inputs: Mapping[str, str] | None = None,
        pre_activation: bool = False,
        verify: bool = False,
    ):
        """Load the model in `path`, whose SHA-256 is `digest`; raises `ModelError` if it cannot be drawn.

        `inputs` says by name what inputs without the test image get, `pre_activation` records what goes into
        fused activations, `verify` computes every layer again.
        """
        self.path, self.digest = path, digest
        self.loaded: LoadedModel = load_model(path, allow_unsafe)
        self.model = self.loaded.model
        self.feed = find_feed(self.model, inputs or {})
        self.pre_activation, self.verify = pre_activation, verify
        self._differentiator = Differentiator(self.model, pre_activation, channels_first)
        self._passes: Counter[Any] = Counter()
        self._compiled: dict[Any, CompiledPass | None] = {}

    def describe(self) -> ModelInfo:
        """Find out which layers are called in which order, from a pass over an empty image."""
        fixed = None not in self.feed.shape
        found = []
        for side in SIDES[:1] if fixed else SIDES:
            done = self._run(self._empty(side), {})
            picture = keras.tree.flatten(done.fed)[self.feed.picture]
            fields = receptive_fields(done.calls, picture)
            if not fixed:
                fields = fields_for_every_size(done.calls, fields)
            found.append(tuple(map(with_field, describe_layers(done.calls), fields)))
        infos = tuple(map(varying_sides, *found)) if len(found) > 1 else found[0]
        whole = not self.loaded.missing
        return ModelInfo(
            file=self.path.name,
            digest=self.digest,
            name=self.model.name,
            input_shape=self.feed.shape,
            parameters=self.model.count_params(),
            layers=(*infos, *self._absent(len(infos), done.idle)),
            output_shapes=tuple(tuple(each.shape[1:]) for each in done.outputs) if whole else (),
            final_activation=final_activation(done.calls, done.outputs) if whole else None,
            value_range=self._value_range(done.calls, side),
            repairs=self.loaded.repairs,
            inputs=self.feed.inputs,
            versions={"keras": keras.__version__, keras.backend.backend(): _backend_version()},
        )

    def extract(self, values: np.ndarray, others: Mapping[str, np.ndarray] = EMPTY) -> Activations:
        """Record one forward pass over an image, float32 (height, width, channels).

        `others` are the pictures for the inputs that have their own, in the same form. Raises `ImageError`
        when the model takes pictures of any size, but not of this one.
        """
        done = self._run(values, others)
        infos = describe_layers(done.calls)
        check = self._check(done, infos)
        if check.failed and done.compiled:  # then believe only what runs line by line
            self._compiled[done.shapes] = None
            return self.extract(values, others)
        outputs = () if self.loaded.missing else tuple(_to_numpy(each)[0] for each in done.outputs)
        formats, maps = channels_first(done.calls), {}
        for info, first in zip(infos, formats, strict=True):
            call = done.calls.pop(0)  # lets go of its tensors, so that not all maps are there twice
            if info.is_map or info.is_vector:
                maps[info.index] = _to_maps(_to_numpy(call.result)[0], first)
        return Activations(maps, outputs, check)

    def lacks_gradients(self) -> str | None:
        """Return the name of the backend where it computes no gradients, else `None`."""
        backend = keras.backend.backend()
        return None if backend in DIFFERENTIATE else backend

    def gradients(
        self,
        values: np.ndarray,
        others: Mapping[str, np.ndarray],
        layers: Mapping[int, int],
        score: ClassScore,
    ) -> GradientPass:
        """Differentiate the score of a class for the image that `extract` was given.

        `layers` says by the index of a convolution, with maps (height, width, channels), which layer's output
        to differentiate for. Raises whatever the model does.
        """
        return self._differentiator.differentiate(self.feed.tensors(values, others), layers, score)

    def _empty(self, side: int) -> np.ndarray:
        return np.zeros([known or side for known in self.feed.shape], np.float32)

    def _run(self, values: np.ndarray, others: Mapping[str, np.ndarray]) -> _Pass:
        """Run the model on one image and record it."""
        try:
            return self._record(self.feed.tensors(values, others))
        except Exception as error:
            raise_lack_of_memory(error)
            kind, text = type(error).__name__, one_line(str(error))
            if None in self.feed.shape:  # it goes on a page, on which a library's own words have no place
                logger.info("%s: %s: %s", self.path.name, kind, text)
                size = shape_in_words(values.shape[:2])
                wanted = "a picture that the model runs on"
                advice = f"{self.path.name} raises {kind}: use a picture of another size"
                raise ImageError(f"expected {wanted}, received {size}: {advice}") from None
            reason = f"{self.path.name}: {text[:200] or kind}"
            raise ModelError(f"expected a model that runs on one image, received {reason}") from None

    def _record(self, fed: Any) -> _Pass:
        """Record one pass, line by line at first, compiled once there are more pictures of that size."""
        shapes = tuple(tuple(each.shape) for each in keras.tree.flatten(fed))
        compiled = self._compiled.get(shapes)
        if compiled:
            calls, outputs = compiled.run(fed)
            return _Pass(fed, shapes, calls, outputs, compiled=compiled)
        if None in self.feed.shape and not isinstance(fed, list):
            self.model.compute_output_shape(tuple(fed.shape))  # TensorFlow lets small ones pass
        with eager_functions(), recorded(self.model, self.pre_activation) as recording:
            outputs = self.model(fed, training=False)
        calls = middle_steps(recording.calls)
        self._passes[shapes] += 1
        if self._passes[shapes] == PASSES_BEFORE_COMPILING and not self.verify:
            names = [call.name for call in calls]
            self._compiled[shapes] = compile_pass(self.model, self.pre_activation, fed, names)
        return _Pass(fed, shapes, calls, keras.tree.flatten(outputs), recording.idle)

    def _absent(self, count: int, idle: Sequence[keras.Operation]) -> tuple[LayerInfo, ...]:
        """List the layers of which there is no output: never called, or not in the model at all."""
        absent = [(each.name, type(each).__name__, Missing.NEVER_CALLED) for each in idle]
        absent += [(each.name, each.kind, each.reason) for each in self.loaded.missing]
        return tuple(
            LayerInfo(index=index, name=name, kind=kind, family="other", shape=(), parameters=0, missing=why)
            for index, (name, kind, why) in enumerate(absent, count + 1)
        )

    def _check(self, done: _Pass, infos: Sequence[LayerInfo]) -> Check:
        """Compare what was recorded with what the model computes by itself, and each layer with itself."""

        def plain() -> list[Any]:
            if done.compiled:
                return done.compiled.plain(done.fed)
            return keras.tree.flatten(self.model(done.fed, training=False))

        alone = plain()
        pairs = list(zip(done.outputs, alone, strict=True))
        random, failed, layers = [], [], {}
        if any(_differ(*pair) for pair in pairs):
            changing = any(_differ(*pair) for pair in zip(alone, plain(), strict=True))
            (random if changing else failed).append("the output")
        for info, call in zip(infos, done.calls, strict=True) if self.verify else ():
            if call.fused or not isinstance(call.operation, keras.Layer):
                continue
            again, once_more = (first_tensor(call.operation(*call.args, **call.kwargs)) for _ in range(2))
            layers[info.index] = difference(call.result, again)
            if _differ(call.result, again):
                (random if _differ(again, once_more) else failed).append(call.name)
        apart = max(difference(*pair) for pair in pairs)
        return Check(apart, layers=layers, random=tuple(random), failed=tuple(failed))

    def _value_range(self, black: list[Call], side: int) -> tuple[int, int] | None:
        """Return the pixel values that the model itself expects, `None` where nothing tells.

        Whole numbers are meant for 0…255. Else what the first steps make of a black and a white picture
        tells: dividing by more than 20, or a zero point above 2, is meant for values up to 255 as well.
        """
        if "float" not in self.feed.dtypes[self.feed.picture]:
            return 0, 255
        white = self._run(self._empty(side) + 255, {}).calls
        steps = []
        for low, high in zip(black, white, strict=True):
            if not is_elementwise(low, black[0].given):
                break
            steps.append((_to_numpy(low.result), _to_numpy(high.result)))
        if not steps:
            return None
        low, high = steps[-1]
        gain = float(np.median(high - low)) / 255
        zero = -float(np.median(low)) / gain if gain else 0.0
        return (0, 255) if abs(gain) < 1 / 20 or zero > 2 else (0, 1)


def _to_maps(values: np.ndarray, channels_first: bool) -> np.ndarray:
    """Return one result without its batch axis as read-only (height, width, channels).

    Of a volume the middle slice is taken, a sequence becomes one map, a row of values (1, values, 1).
    """
    if channels_first:
        values = np.moveaxis(values, -3, -1) if values.ndim > 2 else values.T
    if values.ndim == 4:
        values = values[values.shape[0] // 2]
    elif values.ndim == 2:
        values = values.T[..., None]
    elif values.ndim == 1:
        values = values[None, :, None]
    maps = np.ascontiguousarray(values)
    maps.flags.writeable = False
    return maps


def _to_numpy(tensor: Any) -> np.ndarray:
    array = keras.ops.convert_to_numpy(tensor)
    return np.asarray(np.abs(array) if np.iscomplexobj(array) else array, np.float32)


def difference(one: Any, other: Any) -> float:
    """Return the largest absolute difference of two tensors; what is NaN or infinite in both is equal."""
    a, b = _to_numpy(one), _to_numpy(other)
    if a.shape != b.shape:
        return float("inf")
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0))


def _differ(one: Any, other: Any) -> bool:
    """Whether two results of the same computation differ by more than rounding explains."""
    values = np.abs(_to_numpy(one))
    largest = values.max(initial=1, where=np.isfinite(values))
    return difference(one, other) > ROUNDING.get(keras.backend.standardize_dtype(one.dtype), 1e-5) * largest


def _backend_version() -> str:
    return __import__(keras.backend.backend()).__version__
