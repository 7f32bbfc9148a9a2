"""Numbers spread evenly."""

import itertools

import numpy as np
import pytest

from generator.core import sequences


@pytest.mark.parametrize(
    ("total", "wanted", "expected"),
    [(10, 3, (0, 3, 6)), (3, 10, (0, 1, 2)), (8, 4, (0, 2, 4, 6)), (5, 1, (0,)), (5, 0, ()), (0, 5, ())],
)
def test_evenly_spaced_numbers(total, wanted, expected):
    assert sequences.evenly_spaced(total, wanted) == expected


def test_evenly_spaced_gaps_differ_by_one_at_most():
    for total, wanted in itertools.product((7, 64, 1000), (2, 5, 31, 64)):
        gaps = np.diff(sequences.evenly_spaced(total, wanted))
        assert gaps.max() - gaps.min() <= 1
