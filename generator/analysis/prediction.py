"""What a model's output says: a class and its score, where it is a classifier."""

from collections.abc import Sequence

import numpy as np

from generator.core.errors import ModelError
from generator.core.facts import Activation, ClassScore
from generator.core.records import Prediction

KNOWN_ACTIVATIONS = {each.value: each for each in Activation}


def class_count(output_shapes: Sequence[tuple[int, ...]]) -> int | None:
    """Return how many classes an output of these shapes can tell apart, `None` where it is no such output.

    A single unit tells two classes apart.
    """
    if len(output_shapes) != 1 or len(output_shapes[0]) != 1:
        return None
    return max(2, output_shapes[0][0])


def check_labels(labels: Sequence[str], output_shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise `ModelError` when there are labels but not as many as the model has classes."""
    if not output_shapes:  # the model is incomplete
        return
    wanted = class_count(output_shapes)
    if labels and wanted is None:
        raise ModelError(
            f"expected no labels for a model that is no classifier, received {len(labels)}: remove them"
        )
    if labels and wanted != len(labels):
        raise ModelError(f"expected {wanted} labels, received {len(labels)}: give one for each class")


def predict(outputs: Sequence[np.ndarray], final_activation: str | None, labels: Sequence[str]) -> Prediction:
    """Read the model's outputs, float32 without the batch axis.

    Softmax and sigmoid outputs are probabilities. A linear output counts as logits where there are labels
    for it. Everything else is described by its shape.
    """
    if not outputs:
        return Prediction("no prediction: the model’s output is left out")
    shapes = " and ".join("×".join(map(str, output.shape)) or "one number" for output in outputs)
    shape_only = Prediction(f"output: {shapes}")
    count = class_count([output.shape for output in outputs])
    if count is None or not np.isfinite(outputs[0]).all():
        return shape_only if count is None else Prediction("output: not a number")
    values = outputs[0].astype(np.float64)
    of_output = final_activation in (None, "linear") and bool(labels)
    if of_output:
        activation = Activation.SIGMOID if len(values) == 1 else Activation.SOFTMAX
        values = np.exp(-np.logaddexp(0, -values)) if len(values) == 1 else _softmax(values)
    elif final_activation in KNOWN_ACTIVATIONS:
        activation = KNOWN_ACTIVATIONS[final_activation]
    else:
        return shape_only
    single = len(values) == 1 and activation is Activation.SIGMOID
    if single:
        values = np.array([1 - values[0], values[0]])
    best = int(values.argmax())
    label = labels[best] if labels else f"class {best}"
    method = ClassScore(
        activation=activation,
        unit=0 if single else best,
        of_output=of_output,
        opposite=single and best == 0,
    )
    return Prediction(
        f"{label} {values[best]:.1%}", label=label, score=float(values[best]), method=method, number=best
    )


def _softmax(values: np.ndarray) -> np.ndarray:
    exponentials = np.exp(values - values.max())
    return exponentials / exponentials.sum()
