"""Measure a trained classifier on labelled pictures: accuracy, loss, confusion matrix, worst mistakes.

    python models/evaluate.py cats_vs_dogs_128_test.tar --json runs/default/test.json

PICTURES is a folder or a tar archive of CLASS/*.jpg. Every picture is squashed to the model's input size,
scaled to 0…1 and shown once, without augmentation. Works on every Keras backend (`KERAS_BACKEND`).
"""

import argparse
import json
import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pictures import Pictures, load_pictures

BATCH = 125
EPSILON = 1e-7  # as in train.py's measure(), so that the two report the same loss


class EvaluationError(Exception):
    """What a user can get wrong, in one line: expected, received, what to do."""


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the score interval for a proportion, as two fractions in 0…1; `z` is 1.96 for 95 %.

    `trials` is at least 1. Unlike the textbook interval p ± z·√(p(1−p)/n), it neither leaves 0…1 nor
    shrinks to nothing when all trials succeed. Source: E. B. Wilson, "Probable inference, the law of
    succession, and statistical inference", Journal of the American Statistical Association 22 (1927),
    pages 209–212, doi:10.1080/01621459.1927.10502953.
    """
    share, extra = successes / trials, z**2 / trials
    centre = (share + extra / 2) / (1 + extra)
    half = z * ((share * (1 - share) + extra / 4) / trials) ** 0.5 / (1 + extra)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def confusion_matrix(truth: np.ndarray, said: np.ndarray, classes: int) -> np.ndarray:
    """Count pictures by true class (row) and by what the model said (column): int64 (classes, classes).

    `truth` and `said` are class indices of shape (pictures,).
    """
    return np.bincount(truth * classes + said, minlength=classes**2).reshape(classes, classes)


def cross_entropy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean of −ln(probability of the true class), in nats; 0 is perfect, ln 2 a guess of two.

    `probabilities` is (pictures, classes) with rows that sum to 1, `truth` holds class indices of shape
    (pictures,). For two classes this is the binary cross-entropy. Probabilities count as at least 1e-7.
    """
    right = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(right, EPSILON, 1)).mean())


@contextmanager
def native_silence() -> Iterator[None]:
    """Turn away file descriptor 2: TensorFlow writes to it on import, whatever TF_CPP_MIN_LOG_LEVEL says."""
    sys.stderr.flush()
    terminal, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(silence)


def open_model(path: Path):
    """Load a model from square RGB pictures to one vector; `EvaluationError` if it is none."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with native_silence():
        import keras
    try:
        model = keras.saving.load_model(path, compile=False)
        given, made = model.input_shape, model.output_shape
    except Exception as error:  # whatever h5py, zipfile or a layer's own code raises
        reason = str(error).strip().partition("\n")[0]
        message = f"expected a Keras model in {path}, received ({reason}): give --model another"
        raise EvaluationError(message) from error
    if not (len(given) == 4 and given[1] and given[1] == given[2] and given[3] == 3 and len(made) == 2):
        wanted = "expected a model from (size, size, 3) to one score or one for each class"
        raise EvaluationError(f"{wanted}, received {given} to {made}: give --model another")
    return model


def read_labels(path: Path, outputs: int) -> tuple[str, ...]:
    """Read the class names, one a line, in the order of the model's outputs; one output has two."""
    labels = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if len(labels) != max(outputs, 2):
        received = f"received {len(labels)} in {path}"
        raise EvaluationError(f"expected {max(outputs, 2)} class names, {received}: give one a line")
    return labels


def read_pictures(source: Path, size: int, labels: tuple[str, ...]) -> Pictures:
    """Load the pictures; `EvaluationError` when there are none, or other classes than `labels`."""
    try:
        pictures = load_pictures(source, size)
    except (ValueError, OSError, tarfile.TarError) as error:
        raise EvaluationError(f"{error}: give a folder or a tar archive of readable CLASS/*.jpg") from error
    if pictures.classes != tuple(sorted(labels)):
        received = ", ".join(name or "no folder" for name in pictures.classes)
        wanted = f"expected folders named {', '.join(sorted(labels))}"
        raise EvaluationError(f"{wanted}, received {received}: rename them, or give --labels another file")
    return pictures


def predict(model, pixels: np.ndarray) -> np.ndarray:
    """Return float64 probabilities (pictures, classes) for uint8 pixels (pictures, size, size, 3)."""
    batches = (pixels[i : i + BATCH].astype(np.float32) / 255 for i in range(0, len(pixels), BATCH))
    outputs = np.concatenate([np.asarray(model.predict_on_batch(x), np.float64) for x in batches])
    if outputs.shape[1] == 1:
        outputs = np.hstack([1 - outputs, outputs])
    # Asked this way round because every comparison with NaN is false; half precision sums to 1 within 1e-2.
    if not (outputs.min() >= 0 and np.abs(outputs.sum(axis=1) - 1).max() < 1e-2):
        advice = "end the model in a sigmoid unit or a softmax"
        raise EvaluationError(f"expected probabilities, received outputs that are none: {advice}")
    return outputs


def evaluate(model_path: Path, labels_path: Path, source: Path, worst: int) -> dict:
    """Return all figures, ready for JSON: fractions in 0…1, loss in nats, `worst` mistakes by score."""
    model = open_model(model_path)
    outputs = model.output_shape[1]
    labels = read_labels(labels_path, outputs)
    pictures = read_pictures(source, model.input_shape[1], labels)
    truth = np.array([labels.index(name) for name in pictures.classes])[pictures.labels]
    probabilities = predict(model, pictures.pixels)
    said, score = probabilities.argmax(axis=1), probabilities.max(axis=1)
    correct = int((said == truth).sum())
    mistakes = sorted(np.flatnonzero(said != truth), key=lambda index: -score[index])[: max(worst, 0)]
    return {
        "model": str(model_path),
        "source": str(source),
        "pictures": len(truth),
        "correct": correct,
        "accuracy": correct / len(truth),
        "interval": wilson_interval(correct, len(truth)),
        "loss_name": f"{'binary' if outputs == 1 else 'categorical'} cross-entropy",
        "loss": cross_entropy(probabilities, truth),
        "classes": labels,
        "confusion": confusion_matrix(truth, said, len(labels)).tolist(),
        "mistakes": [
            {"name": pictures.names[i], "truth": labels[truth[i]], "said": labels[said[i]], "score": score[i]}
            for i in mistakes
        ],
    }


def as_table(rows: list[list[str]]) -> str:
    """Align cells in columns, the first to the left and the rest to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return "\n".join("  " + "  ".join(row) for row in padded)


def describe(figures: dict) -> str:
    """Return the figures as text for a terminal."""
    low, high = figures["interval"]
    wrong = figures["pictures"] - figures["correct"]
    header = ["", *(f"said {name}" for name in figures["classes"])]
    counts = zip(figures["classes"], figures["confusion"], strict=True)
    confusion = [header, *([f"is {name}", *map(str, row)] for name, row in counts)]
    lines = [
        f"model: {figures['model']}",
        f"pictures: {figures['pictures']} in {figures['source']}",
        f"accuracy: {figures['accuracy']:.2%} ({figures['correct']} right, {wrong} wrong)",
        f"95 % Wilson interval: {low:.2%} to {high:.2%}",
        f"mean {figures['loss_name']}: {figures['loss']:.4f}",
        f"confusion matrix:\n{as_table(confusion)}",
    ]
    if mistakes := figures["mistakes"]:
        rows = [[m["name"], f"is {m['truth']}", f"said {m['said']} {m['score']:.4f}"] for m in mistakes]
        lines.append(f"worst mistakes, {len(rows)} of {wrong}:\n{as_table(rows)}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, print the figures and return the exit status: 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pictures", type=Path, metavar="PICTURES", help="folder or tar: CLASS/*.jpg")
    parser.add_argument("--model", type=Path, default=Path(__file__).with_name("cats_and_dogs.hdf5"))
    parser.add_argument("--labels", type=Path, help="class names, one a line [MODEL's stem + .labels.txt]")
    parser.add_argument("--worst", type=int, default=10, help="how many mistakes to list [10]")
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    options = parser.parse_args(arguments)
    labels = options.labels or options.model.with_suffix(".labels.txt")
    needed = {"PICTURES": options.pictures, "--model": options.model, "--labels": labels}
    if options.json:  # known to be in vain before minutes of work, not after
        needed["--json"] = options.json.parent
    try:
        for flag, path in needed.items():
            if not path.exists():
                raise EvaluationError(f"expected {path}, received no such file or folder: change {flag}")
        figures = evaluate(options.model, labels, options.pictures, options.worst)
        print(describe(figures))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except (EvaluationError, OSError, UnicodeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
