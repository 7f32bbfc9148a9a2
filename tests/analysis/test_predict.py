"""What is read from a model's output."""

import numpy as np
import pytest

from generator.analysis.prediction import check_labels, class_count, predict
from generator.core.errors import ModelError
from generator.core.wording import say_class_score

LABELS = ("cat", "dog", "owl")


def read(values, activation, labels=()):
    return predict((np.array(values, np.float32),), activation, labels)


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        ([(10,)], 10),
        ([(2,)], 2),
        ([(1,)], 2),
        ([()], None),
        ([(4, 4, 3)], None),
        ([(2,), (3,)], None),
        ([], None),
    ],
)
def test_classes_are_counted_from_the_output(shapes, count):
    assert class_count(shapes) == count


@pytest.mark.parametrize(("value", "label", "score"), [(0.8, "dog", 0.8), (0.2, "cat", 0.8), (1, "dog", 1)])
def test_one_sigmoid_unit_tells_two_classes_apart(value, label, score):
    prediction = read([value], "sigmoid", LABELS[:2])
    assert prediction.label == label
    assert prediction.score == pytest.approx(score)
    assert say_class_score(prediction.method) == "sigmoid"
    assert prediction.text == f"{label} {score:.1%}"


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_largest_probability_wins(activation):
    prediction = read([0.15, 0.6, 0.25], activation, LABELS)
    assert (prediction.label, say_class_score(prediction.method)) == ("dog", activation)
    assert prediction.score == pytest.approx(0.6)
    assert prediction.text == "dog 60.0%"


@pytest.mark.parametrize(
    ("values", "activation", "label"),
    [
        ([0.1, 0.2, 0.7], "softmax", "class 2"),
        ([0.9], "sigmoid", "class 1"),
        ([0.9, 0.95], "sigmoid", "class 1"),
    ],
)
def test_classes_without_labels_are_numbered(values, activation, label):
    prediction = read(values, activation)
    assert prediction.label == label
    assert prediction.score == pytest.approx(max(values))


@pytest.mark.parametrize("activation", [None, "linear"])
def test_a_linear_output_with_labels_counts_as_logits(activation):
    # softmax of 0, ln 3, 0 is 0.2, 0.6, 0.2; sigmoid of ln 4 is 0.8
    prediction = read([0, np.log(3), 0], activation, LABELS)
    assert (prediction.label, say_class_score(prediction.method)) == ("dog", "softmax of the output")
    assert prediction.score == pytest.approx(0.6)
    prediction = read([-np.log(4)], activation, LABELS[:2])
    assert (prediction.label, say_class_score(prediction.method)) == ("cat", "sigmoid of the output")
    assert prediction.score == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("values", "label"),
    [([-1000], "cat"), ([1000], "dog"), ([-3e38], "cat"), ([1000, -1000], "cat"), ([-3e38, 3e38], "dog")],
)
def test_large_logits_are_certain(values, label):
    prediction = read(values, None, LABELS[:2])
    assert (prediction.label, prediction.score) == (label, 1)


@pytest.mark.parametrize(
    ("shape", "activation", "text"),
    [
        ((10,), None, "output: 10"),
        ((1,), "linear", "output: 1"),
        ((10,), "relu", "output: 10"),
        ((4, 6, 3), "softmax", "output: 4×6×3"),
        ((), None, "output: one number"),
    ],
)
def test_other_outputs_are_described_by_their_shape(shape, activation, text):
    prediction = read(np.zeros(shape), activation)
    assert prediction.text == text
    assert (prediction.label, prediction.score, prediction.method) == (None, None, None)


def test_labels_do_not_make_a_classifier_of_other_activations():
    assert read([1, 2, 3], "relu", LABELS).label is None


def test_several_outputs_are_all_described():
    outputs = (np.zeros(2, np.float32), np.zeros((4, 4, 3), np.float32))
    assert predict(outputs, "softmax", ()).text == "output: 2 and 4×4×3"


@pytest.mark.parametrize("flaw", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_flawed_output_has_no_class(flaw, activation):
    prediction = read([0.5, flaw, 0.1], activation, LABELS)
    assert prediction.text == "output: not a number"
    assert (prediction.label, prediction.score) == (None, None)


@pytest.mark.parametrize(
    ("labels", "shapes"), [((), [(10,)]), (LABELS, [(3,)]), (LABELS[:2], [(1,)]), ((), [(4, 4, 3)])]
)
def test_as_many_labels_as_classes_pass(labels, shapes):
    check_labels(labels, shapes)


@pytest.mark.parametrize(
    ("labels", "shapes", "text"),
    [
        (LABELS, [(10,)], "expected 10 labels, received 3"),
        (LABELS, [(1,)], "expected 2 labels, received 3"),
        (LABELS[:1], [(1,)], "expected 2 labels, received 1"),
        (LABELS, [(4, 4, 3)], "expected no labels .*received 3"),
        (LABELS, [(3,), (3,)], "expected no labels"),
    ],
)
def test_another_number_of_labels_is_an_error(labels, shapes, text):
    with pytest.raises(ModelError, match=text):
        check_labels(labels, shapes)
