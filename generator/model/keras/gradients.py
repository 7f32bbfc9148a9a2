"""One pass of a model with the gradients of a class's score, by TensorFlow or PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from generator.core.facts import ClassScore, ScoreKind
from generator.model.keras.ablation import Ablation, Rests
from generator.model.keras.class_score import class_scores, find_maker, record_pass
from generator.model.keras.recording import Call, middle_steps

Layouts = Callable[[list[Call]], list[bool]]


@dataclass(frozen=True, kw_only=True)
class GradientPass:
    """A pass over one image, kept in memory for as long as this is.

    `fed` is what the model was fed, `every` are all its calls, with what goes into fused activations, and
    `makers` the operations that make the output. `counted` are the calls that have an index, in its order,
    and `channels_first` says of each whether its channels come first. `differentiated` has, by the index of
    a convolution, the tensor that was differentiated for and its gradient, `None` where none flows.
    """

    model: keras.Model
    rests: Rests
    fed: Any
    target: ClassScore
    every: Sequence[Call]
    makers: Sequence[keras.Operation]
    counted: Sequence[Call]
    channels_first: Sequence[bool]
    differentiated: Mapping[int, tuple[Any, Any]]
    score: float
    kind: ScoreKind

    def maps_of(self, layer: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the maps that were asked for and their gradients, see `generator.model.extractor`."""
        result, gradient = self.differentiated[layer]
        if gradient is None:
            return None
        first = self.channels_first[layer - 1]
        return first_maps(result, first), first_maps(gradient, first)

    def runs_rest_alone(self, layer: int) -> bool:
        """Whether what follows a layer can be run by itself."""
        return self.rests.behind(self.every, self._place(layer)) is not None

    def ablate(self, layer: int, channels: Sequence[int | None]) -> np.ndarray:
        """Return the score with each of a layer's channels set to zero, float32 (channels,)."""
        place = self._place(layer)
        return Ablation(
            model=self.model,
            rest=self.rests.behind(self.every, place),
            fed=self.fed,
            every=self.every,
            place=place,
            channels_first=self.channels_first[layer - 1],
            score=self.target,
            makers=self.makers,
        ).scores(channels)

    def _place(self, layer: int) -> int:
        """Return the number of a layer's call among all."""
        call = self.counted[layer - 1]
        return next(
            place
            for place, each in enumerate(self.every)
            if each.operation is call.operation and not each.fused and each.result is call.result
        )


class Differentiator:
    """Differentiates the scores of one model. `layouts` says of calls whether their channels come first."""

    def __init__(self, model: keras.Model, fused: bool, layouts: Layouts):
        """Keep the model; `fused` tells that layers are counted with what goes into fused activations."""
        self.model, self.fused, self.layouts = model, fused, layouts
        self._rests = Rests(model)

    def differentiate(self, fed: Any, layers: Mapping[int, int], target: ClassScore) -> GradientPass:
        """Run the model on `fed`, its inputs as tensors, and differentiate the score of a class.

        `layers` says by the index of a convolution which layer's result to differentiate for.
        """
        every: list[Call] = []
        made: list[Any] = []

        def run() -> tuple[Any, ScoreKind, list[Any]]:
            calls, outputs = record_pass(self.model, fed)
            every[:], made[:] = calls, outputs
            scores, kind = class_scores(calls, outputs, target)
            counted = self._counted(calls)
            return scores[0], kind, [counted[index - 1].result for index in layers.values()]

        score, kind, gradients = DIFFERENTIATE[keras.backend.backend()](self.model, fed, run)
        counted, maker = self._counted(every), find_maker(every, made[0])
        results = [counted[index - 1].result for index in layers.values()]
        return GradientPass(
            model=self.model,
            rests=self._rests,
            fed=fed,
            target=target,
            every=every,
            makers=[maker.operation] if maker else [],
            counted=counted,
            channels_first=self.layouts(counted),
            differentiated=dict(zip(layers, zip(results, gradients, strict=True), strict=True)),
            score=float(_to_numpy(score)),
            kind=kind,
        )

    def _counted(self, calls: list[Call]) -> list[Call]:
        """Return the calls that have an index in the gallery, in its order."""
        return middle_steps([call for call in calls if self.fused or not call.fused])


def first_maps(tensor: Any, channels_first: bool) -> np.ndarray:
    """Return the first image's maps, float32 (height, width, channels)."""
    values = _to_numpy(tensor)[0]
    return np.moveaxis(values, 0, -1) if channels_first else values


def _to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def _with_tensorflow(model: keras.Model, fed: Any, run: Callable) -> tuple[Any, ScoreKind, list[Any]]:
    """Return the score, what it is, and the gradients for the tensors that `run` names."""
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        # a frozen layer's result is on the tape too, as long as anything that goes into it is
        for each in (*keras.tree.flatten(fed), *(variable.value for variable in model.variables)):
            if each.dtype.is_floating:
                tape.watch(each)
        score, kind, results = run()
    known = [place for place, each in enumerate(results) if each is not None and each.dtype.is_floating]
    gradients = dict(zip(known, tape.gradient(score, [results[place] for place in known]), strict=True))
    return score, kind, [gradients.get(place) for place in range(len(results))]


def _with_torch(_model: keras.Model, fed: Any, run: Callable) -> tuple[Any, ScoreKind, list[Any]]:
    """Return the same as `_with_tensorflow`."""
    import torch

    for each in keras.tree.flatten(fed):
        if each.is_floating_point():
            each.requires_grad_(True)
    with torch.enable_grad():
        score, kind, results = run()
    if not score.requires_grad:
        return score, kind, [None] * len(results)
    known = [place for place, each in enumerate(results) if each is not None and each.requires_grad]
    found = torch.autograd.grad(score, [results[place] for place in known], allow_unused=True)
    gradients = dict(zip(known, found, strict=True))
    return score, kind, [gradients.get(place) for place in range(len(results))]


DIFFERENTIATE = {"tensorflow": _with_tensorflow, "torch": _with_torch}
