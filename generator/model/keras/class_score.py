"""The score of a class, as a tensor: what goes into the last softmax or sigmoid, where that is recorded."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from generator.core.facts import ClassScore, ScoreKind
from generator.model.keras.recording import Call, eager_functions, function_name, recorded


def record_pass(
    model: keras.Model, fed: Any, only: Sequence[keras.Operation] | None = None
) -> tuple[list[Call], list[Any]]:
    """Return the calls of one pass, with what goes into fused activations, and the flat outputs.

    With `only` some operations no others are recorded.
    """
    with eager_functions(), recorded(model, True, only) as recording:
        outputs = model(fed, training=False)
    return recording.calls, keras.tree.flatten(outputs)


def class_scores(calls: list[Call], outputs: list[Any], score: ClassScore) -> tuple[Any, ScoreKind]:
    """Return a class's score, float32 (batch,), from a recorded pass, and what it is.

    It is the logit, negated for a class that the output speaks against. Where that was not recorded, it is
    the probability itself.
    """
    values, kind = _logits(calls, outputs[0], score)
    values = keras.ops.cast(values, "float32")[:, score.unit]
    if not score.opposite:
        return values, kind
    return (-values if kind is ScoreKind.LOGIT else 1 - values), kind


def score_array(
    model: keras.Model, fed: Any, score: ClassScore, makers: Sequence[keras.Operation]
) -> np.ndarray:
    """Run `model` and return the scores, float32 (batch,); `makers` are the operations of the output."""
    calls, outputs = record_pass(model, fed, makers)
    return np.asarray(keras.ops.convert_to_numpy(class_scores(calls, outputs, score)[0]), np.float32)


def _logits(calls: list[Call], output: Any, score: ClassScore) -> tuple[Any, ScoreKind]:
    """Return what goes into the last activation; the output itself where that is not known."""
    if score.of_output:
        return output, ScoreKind.LOGIT
    activation = score.activation.value
    maker = find_maker(calls, output)
    before = [each for each in calls if maker and each.fused and each.operation is maker.operation]
    alone = maker and (
        type(maker.operation).__name__.lower() == activation
        or (isinstance(maker.operation, keras.layers.Activation)
            and function_name(maker.operation.activation) == activation)
    )  # fmt: skip
    given = before[-1].result if before else maker.given if alone else None
    if given is None or tuple(given.shape) != tuple(output.shape):
        return output, ScoreKind.PROBABILITY
    return given, ScoreKind.LOGIT


def find_maker(calls: list[Call], output: Any) -> Call | None:
    """Return the call that the output came from, `None` where it was not recorded."""
    return next((each for each in calls if each.result is output and not each.fused), None)
