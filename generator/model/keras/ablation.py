"""Scores with single channels of a layer set to zero: from that layer on, or by passes of the whole model."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from generator.core.facts import ClassScore
from generator.model.keras.class_score import score_array
from generator.model.keras.recording import Call

BATCH = 32  # samples, with one channel set to zero in each, that go through a model together
BATCH_BYTES = 128_000_000  # of all results for one batch, which Keras keeps until the pass is over


@dataclass(frozen=True, kw_only=True)
class Rest:
    """The part of a model behind a call.

    Besides the call's result it takes those of earlier calls that go around it, as by a residual connection:
    `crossing` has their names.
    """

    model: keras.Model
    crossing: tuple[str, ...]


class Rests:
    """The parts of one model behind its layers, each made once."""

    def __init__(self, model: keras.Model):
        self.model = model
        self._known: dict[int, Rest | None] = {}

    def behind(self, every: Sequence[Call], place: int) -> Rest | None:
        """Return the part behind call number `place`; `every` are all calls of a pass.

        There is no such part where a layer has no place of its own in the model's graph.
        """
        layer = every[place].operation
        if id(layer) not in self._known:
            self._known[id(layer)] = self._cut(every, place)
        return self._known[id(layer)]

    def _cut(self, every: Sequence[Call], place: int) -> Rest | None:
        later = keras.tree.flatten([(each.args, each.kwargs) for each in every[place + 1 :]])
        needed = {id(each) for each in later} - {id(every[place].result)}
        around = {id(each.result): each for each in reversed(every[:place]) if not each.fused}
        heads = [every[place], *(each for key, each in around.items() if key in needed)]
        try:
            top = {id(each) for each in self.model.operations}
            if any(id(each.operation) not in top or each.name != each.operation.name for each in heads):
                raise ValueError("a layer inside another, or called several times")
            model = keras.Model([each.operation.output for each in heads], self.model.outputs)
        except (AttributeError, ValueError, TypeError):  # no graph, several calls, or other ways around
            return None
        return Rest(model=model, crossing=tuple(each.name for each in heads[1:]))


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """How channels of one call are set to zero, in a pass that was recorded.

    `fed` is what the model was fed, `every` all its calls, `place` the number of the one, whose result has
    its channels first where `channels_first` says so; `makers` are the operations that make the output.
    """

    model: keras.Model
    rest: Rest | None
    fed: Any
    every: Sequence[Call]
    place: int
    channels_first: bool
    score: ClassScore
    makers: Sequence[keras.Operation]

    def scores(self, channels: Sequence[int | None]) -> np.ndarray:
        """Return the score without each of the channels, float32 (channels,); `None` takes none away."""
        fixed = [each.shape[0] for each in getattr(self.model, "inputs", None) or [] if each.shape[0]]
        passed = self.every[self.place :] if self.rest else self.every
        held = sum(4 * math.prod(each.result.shape[1:]) for each in passed if each.result is not None)
        size = fixed[0] if fixed else max(1, min(BATCH, BATCH_BYTES // held))
        return _in_batches(self._run_rest if self.rest else self._run_all, channels, size)

    def _run_rest(self, chunk: Sequence[int | None]) -> np.ndarray:
        results = {each.name: each.result for each in self.every if not each.fused}
        heads = [self.every[self.place].result, *(results[name] for name in self.rest.crossing)]
        batch = [keras.ops.repeat(each[:1], len(chunk), axis=0) for each in heads]
        zeroed = without_channels(batch[0], chunk, self.channels_first)
        return score_array(self.rest.model, [zeroed, *batch[1:]], self.score, self.makers)

    def _run_all(self, chunk: Sequence[int | None]) -> np.ndarray:
        call = self.every[self.place]
        same = [each for each in self.every if each.operation is call.operation and not each.fused]
        number = [each.result is call.result for each in same].index(True)

        def repeat(given: Any) -> Any:
            return keras.ops.repeat(given[:1], len(chunk), axis=0)

        def zero(result: Any) -> Any:
            return without_channels(result, chunk, self.channels_first)

        with _replaced(call.operation, number, zero):
            batch = keras.tree.map_structure(repeat, self.fed)
            return score_array(self.model, batch, self.score, self.makers)


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


def without_channels(maps: Any, chunk: Sequence[int | None], channels_first: bool) -> Any:
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
