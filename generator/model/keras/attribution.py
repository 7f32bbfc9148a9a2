"""What a classifier's score rests on: places in the picture, by Grad-CAM, and channels, by zeroing them.

Grad-CAM: Selvaraju et al. 2017, arXiv:1610.02391.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from generator.core.formatting import one_line
from generator.core.records import Explanation, Prediction
from generator.model.keras.recording import Call, eager_functions, function_name, middle_steps, recorded

logger = logging.getLogger(__name__)
BATCH = 32  # samples, with one channel set to zero in each, that go through a model together
BATCH_BYTES = 128_000_000  # of all results for one batch, which Keras keeps until the pass is over
MOST_RECOMPUTED = 32  # channels, where each of them takes a whole pass of the model
SETTLING = tuple(
    getattr(keras.layers, name)
    for name in (
        "BatchNormalization", "GroupNormalization", "LayerNormalization",
        "Activation", "ReLU", "LeakyReLU", "ELU", "PReLU",
    )
)  # fmt: skip
NO_GRADIENT = "this needs gradients, which are computed with TensorFlow or PyTorch, and Keras runs on {}"
Layouts = Callable[[list[Call]], list[bool]]


class Explainer:
    """Explains the predictions of one model. `layouts` says of calls whether their channels come first."""

    def __init__(self, model: keras.Model, fused: bool, layouts: Layouts):
        """Keep the model; `fused` tells that layers are counted with what goes into fused activations."""
        self.model, self.fused, self.layouts = model, fused, layouts
        self._tails: dict[int, tuple[keras.Model | None, tuple[str, ...]]] = {}

    def explain(self, fed: Any, layers: Sequence[int], prediction: Prediction) -> Explanation:
        """Explain the score of the predicted class, from one pass over `fed`, the model's inputs as tensors.

        `layers` are the indices of convolutions with maps, (batch, height, width, channels) or channels
        first. Whatever a model of a stranger raises here ends in a notice.
        """
        backend = keras.backend.backend()
        if backend not in DIFFERENTIATE:
            return Explanation(notice=NO_GRADIENT.format(backend))
        if not layers:
            return Explanation(notice="no convolution with two-dimensional maps is drawn")
        try:
            return self._explain(fed, layers, prediction)
        except Exception as error:
            return Explanation(notice=f"the gradient could not be computed: {_reason(error)}")

    def _explain(self, fed: Any, layers: Sequence[int], prediction: Prediction) -> Explanation:
        every: list[Call] = []
        ends: list[keras.Operation] = []

        def run() -> tuple[Any, str, list[Any]]:
            calls, outputs = _record(self.model, fed)
            every[:] = calls
            ends[:] = [each.operation for each in calls if each is _maker(calls, outputs[0])]
            scores, method = class_scores(calls, outputs, prediction)
            counted, takers = self._counted(calls), _takers(calls)
            return scores[0], method, [_settled(takers, counted[index - 1]).result for index in layers]

        score, method, gradients = DIFFERENTIATE[keras.backend.backend()](self.model, fed, run)
        calls, takers = self._counted(every), _takers(every)
        layouts = self.layouts(calls)
        cams, found = {}, {}
        for index, gradient in zip(layers, gradients, strict=True):
            call, first = calls[index - 1], layouts[index - 1]
            if gradient is None:
                continue
            maps, slopes = (_maps(each, first) for each in (_settled(takers, call).result, gradient))
            cams[index] = grad_cam(maps, slopes)
            if not call.fused:
                found[index] = call, np.abs((maps * slopes).sum(axis=(0, 1))), first
        explanation = Explanation(cams, float(_to_numpy(score)), method)
        if not found:
            return explanation
        last = max(found)
        call, strength, first = found[last]
        try:
            score_of = partial(_scores, prediction=prediction, ends=ends)
            channels, changes = self._ablate(fed, every, call, strength, first, score_of)
        except Exception as error:
            return replace(explanation, notice=f"no channel could be set to zero: {_reason(error)}")
        return replace(explanation, layer=last, channels=channels, changes=changes, of=len(strength))

    def _counted(self, calls: list[Call]) -> list[Call]:
        """Return the calls that have an index in the gallery, in its order."""
        return middle_steps([call for call in calls if self.fused or not call.fused])

    def _ablate(
        self,
        fed: Any,
        every: list[Call],
        call: Call,
        strength: np.ndarray,
        first: bool,
        score_of: Callable[[keras.Model, Any], np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return channels and how the score changes without each, the largest fall first."""
        count = len(strength)
        place = [_same_layer(each, call) and each.result is call.result for each in every].index(True)
        tail, crossing = self._tail(every, place)
        if tail:
            channels = np.arange(count)
            results = {each.name: each.result for each in every if not each.fused}
            heads = [call.result, *(results[name] for name in crossing)]

            def run(chunk: Sequence[int | None]) -> np.ndarray:
                batch = [keras.ops.repeat(each[:1], len(chunk), axis=0) for each in heads]
                return score_of(tail, [_without(batch[0], chunk, first), *batch[1:]])

        else:
            channels = np.sort(np.argsort(-strength, kind="stable")[:MOST_RECOMPUTED])
            number = [each.result is call.result for each in every if _same_layer(each, call)].index(True)

            def run(chunk: Sequence[int | None]) -> np.ndarray:
                def repeat(given: Any) -> Any:
                    return keras.ops.repeat(given[:1], len(chunk), axis=0)

                batch = keras.tree.map_structure(repeat, fed)
                with _replaced(call.operation, number, lambda result: _without(result, chunk, first)):
                    return score_of(self.model, batch)

        fixed = [each.shape[0] for each in getattr(self.model, "inputs", None) or [] if each.shape[0]]
        passed = every[place:] if tail else every
        held = sum(4 * math.prod(each.result.shape[1:]) for each in passed if each.result is not None)
        size = fixed[0] if fixed else max(1, min(BATCH, BATCH_BYTES // held))
        scores = _in_batches(run, [None, *channels.tolist()], size)
        changes = (scores[1:] - scores[0]).astype(np.float32)
        order = np.argsort(changes, kind="stable")
        return channels[order], changes[order]

    def _tail(self, every: list[Call], place: int) -> tuple[keras.Model | None, tuple[str, ...]]:
        """Return the part of the model behind call number `place`, and what it takes besides its result.

        That is the names of earlier calls whose results go around it, as by a residual connection. There is
        no such part where a layer has no place of its own in the model's graph.
        """
        layer = every[place].operation
        if id(layer) not in self._tails:
            later = keras.tree.flatten([(each.args, each.kwargs) for each in every[place + 1 :]])
            needed = {id(each) for each in later} - {id(every[place].result)}
            around = {id(each.result): each for each in reversed(every[:place]) if not each.fused}
            heads = [every[place], *(each for key, each in around.items() if key in needed)]
            try:
                top = {id(each) for each in self.model.operations}
                if any(id(each.operation) not in top or each.name != each.operation.name for each in heads):
                    raise ValueError("a layer inside another, or called several times")
                model = keras.Model([each.operation.output for each in heads], self.model.outputs)
                self._tails[id(layer)] = model, tuple(each.name for each in heads[1:])
            except (AttributeError, ValueError, TypeError):  # no graph, several calls, or other ways around
                self._tails[id(layer)] = None, ()
        return self._tails[id(layer)]


def grad_cam(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the Grad-CAM map, float32 (height, width), of float32 (height, width, channels) maps.

    Each map is weighted with the mean of its gradients; what is below zero in their sum becomes zero.
    """
    weights = gradients.mean(axis=(0, 1))
    return np.maximum((maps * weights).sum(axis=-1), 0).astype(np.float32)


def _takers(calls: list[Call]) -> dict[int, list[Call]]:
    """Return the calls, but for fused ones, by the id of what they were given."""
    takers: dict[int, list[Call]] = {}
    for each in calls:
        if not each.fused:
            takers.setdefault(id(each.given), []).append(each)
    return takers


def _settled(takers: Mapping[int, list[Call]], call: Call) -> Call:
    """Return the last of the calls that only normalise and activate what a convolution has made, or itself.

    That is what the rest of the model sees of it, and what the paper weighs: in raw sums zero does not mean
    that nothing is there.
    """
    while True:
        found = takers.get(id(call.result), [])
        if len(found) != 1 or not isinstance(found[0].operation, SETTLING):
            return call
        call = found[0]


def class_scores(calls: list[Call], outputs: list[Any], prediction: Prediction) -> tuple[Any, str]:
    """Return the predicted class's score, float32 (batch,), from a recorded pass, and in words what it is.

    It is the logit: what goes into the last softmax or sigmoid. For class 0 of a single unit it is negated.
    Where that was not recorded, it is the probability itself.
    """
    values, method = _logits(calls, outputs[0], prediction.method)
    values = keras.ops.cast(values, "float32")
    if values.shape[-1] > 1 or prediction.method.startswith("softmax"):
        return values[:, prediction.number], method
    if prediction.number == 1:
        return values[:, 0], method
    if method.startswith("the probability"):
        return 1 - values[:, 0], method
    return -values[:, 0], f"{method}, negated, since the output speaks for the other class"


def _logits(calls: list[Call], output: Any, activation: str) -> tuple[Any, str]:
    """Return what goes into the last activation; the output itself where that is not known."""
    if activation.endswith("of the output"):
        return output, "the logit, which is the model’s output"
    maker = _maker(calls, output)
    before = [each for each in calls if maker and each.fused and each.operation is maker.operation]
    alone = maker and (
        type(maker.operation).__name__.lower() == activation
        or (isinstance(maker.operation, keras.layers.Activation)
            and function_name(maker.operation.activation) == activation)
    )  # fmt: skip
    given = before[-1].result if before else maker.given if alone else None
    if given is None or tuple(given.shape) != tuple(output.shape):
        return output, f"the probability itself, since what goes into the {activation} is not known"
    return given, f"the logit, which is what goes into the last {activation}"


def _maker(calls: list[Call], output: Any) -> Call | None:
    """Return the call that the output came from, `None` where it was not recorded."""
    return next((each for each in calls if each.result is output and not each.fused), None)


def _record(
    model: keras.Model, fed: Any, only: Sequence[keras.Operation] | None = None
) -> tuple[list[Call], list[Any]]:
    with eager_functions(), recorded(model, True, only) as recording:
        outputs = model(fed, training=False)
    return recording.calls, keras.tree.flatten(outputs)


def _scores(
    model: keras.Model, fed: Any, prediction: Prediction, ends: Sequence[keras.Operation]
) -> np.ndarray:
    """Return the scores, float32 (batch,); `ends` are the operations that make the output."""
    calls, outputs = _record(model, fed, ends)
    return _to_numpy(class_scores(calls, outputs, prediction)[0])


def _in_batches(run: Callable, channels: Sequence[int | None], size: int) -> np.ndarray:
    """Return one score for each of the channels; one by one where the model takes no such batches."""
    scores = []
    try:
        for start in range(0, len(channels), size):
            chunk = channels[start : start + size]
            padded = [*chunk, *[None] * (size - len(chunk))]
            found = run(padded)
            if len(found) != size:
                raise ValueError(f"expected {size} scores, received {len(found)}")
            scores.append(found[: len(chunk)])
    except Exception:
        if size == 1:
            raise
        return _in_batches(run, channels, 1)
    return np.concatenate(scores)


def _without(maps: Any, chunk: Sequence[int | None], channels_first: bool) -> Any:
    """Set channel `chunk[k]` of sample k to zero; `None` leaves a sample as it is."""
    count = maps.shape[1 if channels_first else -1]
    kept = np.ones((len(chunk), count), bool)
    for sample, channel in enumerate(chunk):
        if channel is not None:
            kept[sample, channel] = False
    mask = keras.ops.convert_to_tensor(kept[:, :, None, None] if channels_first else kept[:, None, None])
    return keras.ops.where(mask, maps, keras.ops.zeros_like(maps))


@contextmanager
def _replaced(layer: keras.Operation, place: int, change: Callable[[Any], Any]) -> Iterator[None]:
    """Change what call number `place` of a layer returns."""
    original, had = layer.call, vars(layer).get("call")
    calls = iter(range(place + 1))

    def call(*args, **kwargs):
        result = original(*args, **kwargs)
        return change(result) if next(calls, None) == place else result

    layer.__dict__["call"] = call
    try:
        yield
    finally:
        if had is None:
            del layer.__dict__["call"]
        else:
            layer.__dict__["call"] = had


def _same_layer(one: Call, other: Call) -> bool:
    return one.operation is other.operation and not one.fused


def _with_tensorflow(model: keras.Model, fed: Any, run: Callable) -> tuple[Any, str, list[Any]]:
    """Return the score, its words, and the gradients for the tensors that `run` names."""
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        # a frozen layer's result is on the tape too, as long as anything that goes into it is
        for each in (*keras.tree.flatten(fed), *(variable.value for variable in model.variables)):
            if each.dtype.is_floating:
                tape.watch(each)
        score, method, results = run()
    known = [place for place, each in enumerate(results) if each is not None and each.dtype.is_floating]
    gradients = dict(zip(known, tape.gradient(score, [results[place] for place in known]), strict=True))
    return score, method, [gradients.get(place) for place in range(len(results))]


def _with_torch(_model: keras.Model, fed: Any, run: Callable) -> tuple[Any, str, list[Any]]:
    """Return the same as `_with_tensorflow`."""
    import torch

    for each in keras.tree.flatten(fed):
        if each.is_floating_point():
            each.requires_grad_(True)
    with torch.enable_grad():
        score, method, results = run()
    if not score.requires_grad:
        return score, method, [None] * len(results)
    known = [place for place, each in enumerate(results) if each is not None and each.requires_grad]
    found = torch.autograd.grad(score, [results[place] for place in known], allow_unused=True)
    gradients = dict(zip(known, found, strict=True))
    return score, method, [gradients.get(place) for place in range(len(results))]


DIFFERENTIATE = {"tensorflow": _with_tensorflow, "torch": _with_torch}


def _maps(tensor: Any, channels_first: bool) -> np.ndarray:
    """Return the first image's maps, float32 (height, width, channels)."""
    values = _to_numpy(tensor)[0]
    return np.moveaxis(values, 0, -1) if channels_first else values


def _to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def _reason(error: Exception) -> str:
    """Return what went wrong for a page, on which a library's own words have no place."""
    logger.info("%s: %s", type(error).__name__, one_line(str(error)))
    return type(error).__name__
