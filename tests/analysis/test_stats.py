"""The numbers about a layer's maps."""

import math

import numpy as np
import pytest

from generator.analysis.statistics import measure

NAN, INF = math.nan, math.inf
NAMES = ("minimum", "maximum", "mean", "active", "flawed")


def numbers(*values: float) -> tuple:
    """Measure one channel of these values in a row: minimum, maximum, mean, active, flawed, constant."""
    result = measure(np.array(values, np.float32)[None, :, None])
    return tuple(getattr(result, name)[0].item() for name in (*NAMES, "constant"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, -2, 3, 0), (-2, 3, 0.5, 0.5, 0, False)),
        ((0, 0, 0, 0), (0, 0, 0, 0, 0, True)),
        ((2, 2), (2, 2, 2, 1, 0, True)),
        ((-5,), (-5, -5, -5, 0, 0, True)),
        ((NAN, 1, 3, INF, -INF), (1, 3, 2, 1, 3, False)),
        ((4, NAN), (4, 4, 4, 1, 1, False)),
        ((2**-149, 0), (0, 2**-149, 2**-150, 0.5, 0, False)),
    ],
)
def test_numbers_of_a_channel(values, expected):
    assert numbers(*values) == expected


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_channel_without_finite_values_has_no_numbers(value):
    *known, flawed, constant = numbers(value, value, value)
    assert np.isnan(known).all()
    assert (flawed, constant) == (3, False)


def test_huge_values_have_a_mean():
    assert numbers(3e38, 3e38, 3e38)[2] == pytest.approx(3e38)


def test_channels_are_measured_apart():
    maps = np.array([[[1, 10, NAN], [2, -10, NAN]], [[3, 10, NAN], [4, -10, 5]]], np.float32)
    maps.flags.writeable = False
    result = measure(maps)
    assert result.minimum.tolist() == [1, -10, 5]
    assert result.maximum.tolist() == [4, 10, 5]
    assert result.mean.tolist() == [2.5, 0, 5]
    assert result.active.tolist() == [1, 0.5, 1]
    assert result.flawed.tolist() == [0, 0, 3]
    assert result.constant.tolist() == [False, False, False]
    assert all(getattr(result, name).shape == (3,) for name in NAMES)
    kinds = (np.float32, np.float32, np.float64, np.float64, np.int32)
    assert tuple(getattr(result, name).dtype for name in NAMES) == kinds
