"""What is asked of an extractor for one prediction, and what becomes of its failures."""

import numpy as np
import pytest
from fakes import FakeExtractor, FakeGradients

from generator.attribution import attribute
from generator.core.facts import Activation, ClassScore, Obstacle, ScoreKind
from generator.core.records import Attribution

SCORE = ClassScore(activation=Activation.SOFTMAX, unit=1)
VALUES = np.zeros((12, 12, 3), np.float32)


class Narrow:
    """An extractor that knows nothing of gradients."""

    def __init__(self):
        self.describe, self.extract = FakeExtractor().describe, FakeExtractor().extract


class Known(FakeGradients):
    """Forty channels, the first ones strongest; the score falls by the channel's number."""

    alone = False

    def __init__(self, *_):
        super().__init__(4, 40)
        self.maps = self.maps * np.arange(40, 0, -1, dtype=np.float32)

    def runs_rest_alone(self, layer: int) -> bool:
        assert layer == 1
        return self.alone

    def ablate(self, layer: int, channels) -> np.ndarray:
        assert layer == 1 and channels[0] is None
        return np.array([1, *(1 - each for each in channels[1:])], np.float32)


class Asked(FakeExtractor):
    """Gives what it is told to give, or raises that."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def gradients(self, values, others, layers, score):
        assert values is VALUES and others == {} and score is SCORE
        assert layers == {1: 1}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def explained(extractor, number: int = 1) -> Attribution:
    layers = FakeExtractor().describe().layers
    return attribute(extractor, VALUES, {}, layers, layers[:number], SCORE)


def obstacle(found: Attribution) -> tuple[Obstacle, str]:
    assert found.notice is not None and not found.channels.size
    return found.notice.obstacle, found.notice.detail


def test_what_stands_in_the_way_is_told():
    class Elsewhere(FakeExtractor):
        def lacks_gradients(self):
            return "abacus"

    assert obstacle(explained(Narrow())) == (Obstacle.NO_GRADIENTS, "")
    assert obstacle(explained(Elsewhere())) == (Obstacle.BACKEND_WITHOUT_GRADIENTS, "abacus")
    assert obstacle(explained(Elsewhere(), 0)) == (Obstacle.BACKEND_WITHOUT_GRADIENTS, "abacus")
    assert obstacle(explained(FakeExtractor(), 0)) == (Obstacle.NO_CONVOLUTION, "")
    failed = explained(Asked(KeyError("secret of a library")))
    assert obstacle(failed) == (Obstacle.GRADIENT_FAILED, "KeyError") and not failed.cams


def test_what_was_found_before_a_failure_is_kept():
    class Broken(Known):
        def ablate(self, *_):
            raise ZeroDivisionError

    found = explained(Asked(Broken()))
    assert obstacle(found) == (Obstacle.ABLATION_FAILED, "ZeroDivisionError")
    assert (found.score, found.kind, list(found.cams)) == (1.0, ScoreKind.LOGIT, [1])


@pytest.mark.parametrize(("alone", "count"), [(True, 40), (False, 32)])
def test_channels_are_all_or_the_strongest_and_the_largest_fall_comes_first(alone, count):
    gradients = Known()
    gradients.alone = alone
    found = explained(Asked(gradients))
    assert (found.layer, found.of, found.notice) == (1, 40, None)
    np.testing.assert_array_equal(found.channels, np.arange(count)[::-1])
    np.testing.assert_array_equal(found.changes, -found.channels)


def test_layers_without_a_gradient_are_left_out():
    class Cut(Known):
        def maps_of(self, _layer):
            return None

    found = explained(Asked(Cut()))
    assert (found.cams, found.layer, found.notice, found.score) == ({}, None, None, 1.0)
