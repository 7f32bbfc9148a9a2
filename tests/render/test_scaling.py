"""From feature maps to palette indices, averaged down and enlarged."""

import math

import numpy as np
import pytest

from generator.analysis.statistics import measure
from generator.render import scaling
from generator.render.palette import CONSTANT, MINUS_INFINITY, NOT_A_NUMBER, PLUS_INFINITY

SCALES = ("channel", "layer", "zscore")
NAN, INF = math.nan, math.inf


def maps_of(*channels) -> np.ndarray:
    """Stack nested lists, one a channel, to float32 (height, width, channels)."""
    return np.stack([np.array(channel, np.float32) for channel in channels], axis=-1)


def ranges_of(maps: np.ndarray, scale: str) -> np.ndarray:
    return scaling.value_ranges(measure(maps), maps.shape[0] * maps.shape[1], scale)


def drawn(maps: np.ndarray, scale: str) -> list:
    return scaling.quantize(maps, ranges_of(maps, scale)).tolist()


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("channel", [[1, 4], [-5, 11]]),
        ("layer", [[-5, 11], [-5, 11]]),
        ("zscore", [[2.5 - math.sqrt(5), 2.5 + math.sqrt(5)], [1.5 - math.sqrt(137), 1.5 + math.sqrt(137)]]),
    ],
)
def test_each_scale_has_its_range(scale, expected):
    maps = maps_of([[1, 2], [3, 4]], [[-5, 0], [0, 11]])
    ranges = ranges_of(maps, scale)
    assert ranges.dtype == np.float64
    np.testing.assert_allclose(ranges, expected, rtol=1e-12)


def test_zscore_colours_two_deviations_to_both_sides():
    # mean 0, deviation 1: -1 lies a quarter of the way up, 1 three quarters
    assert drawn(maps_of([[-1, 1], [1, -1]]), "zscore") == [[[60, 179], [179, 60]]]


def test_zscore_agrees_with_the_usual_64_and_128():
    values = np.random.default_rng(1).normal(3, 5, (40, 30)).astype(np.float32)
    usual = np.clip((values - values.mean()) / values.std() * 64 + 128, 0, 255)
    assert (usual == 0).any()
    assert (usual == 255).any()
    indices = np.array(drawn(values[..., None], "zscore")[0])
    inside = (usual > 0) & (usual < 255)
    assert np.abs(indices - usual / 256 * 239)[inside].max() <= 0.51
    assert (indices[usual == 0] == 0).all()
    assert (indices[usual == 255] >= 238).all()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("value", [0, 7, -0.1, 3e38])
def test_constant_channels_have_a_colour_of_their_own(scale, value):
    maps = maps_of([[value, value], [value, value]], [[0, 1], [2, 3]])
    first, second = drawn(maps, scale)
    assert first == [[CONSTANT, CONSTANT]] * 2
    assert CONSTANT not in np.ravel(second)


@pytest.mark.parametrize("scale", SCALES)
def test_a_channel_of_nan_harms_no_other(scale):
    maps = maps_of([[NAN, NAN]], [[2, 6]])
    ranges = ranges_of(maps, scale)
    assert ranges[0].tolist() == [0, 0]
    assert ranges[1].tolist() == ([0, 8] if scale == "zscore" else [2, 6])
    assert scaling.quantize(maps, ranges)[0].tolist() == [[NOT_A_NUMBER, NOT_A_NUMBER]]


@pytest.mark.parametrize(("scale", "expected"), [("channel", [2, 6]), ("layer", [2, 6]), ("zscore", [0, 8])])
def test_flawed_values_stay_out_of_the_range(scale, expected):
    maps = maps_of([[NAN, 2, INF], [6, -INF, NAN]])
    assert ranges_of(maps, scale).tolist() == [expected]


def test_flawed_values_have_colours_of_their_own():
    expected = [[[NOT_A_NUMBER, 0, PLUS_INFINITY], [239, MINUS_INFINITY, NOT_A_NUMBER]]]
    assert drawn(maps_of([[NAN, 2, INF], [6, -INF, NAN]]), "channel") == expected


def test_one_finite_value_among_flawed_ones_is_constant():
    assert drawn(maps_of([[NAN, 0.1], [0.1, 0.1]]), "channel") == [[[NOT_A_NUMBER, CONSTANT], [CONSTANT] * 2]]


@pytest.mark.parametrize("scale", SCALES)
def test_maps_of_one_pixel_are_compared_within_the_layer(scale):
    maps = maps_of([[0]], [[1]], [[4]], [[NAN]])
    assert ranges_of(maps, scale).tolist() == [[0, 4], [0, 4], [0, 4], [0, 0]]
    assert drawn(maps, scale) == [[[0]], [[60]], [[239]], [[NOT_A_NUMBER]]]
    assert drawn(maps_of([[5]]), scale) == [[[CONSTANT]]]


@pytest.mark.parametrize("scale", ["channel", "layer"])
@pytest.mark.parametrize("values", [(-3e38, 0, 3e38), (0, 3e-45, 6e-45), (1e30, 1.5e30, 2e30)])
def test_extreme_values_use_all_colours(scale, values):
    assert drawn(maps_of([values]), scale)[0][0][::2] == [0, 239]
    assert 119 <= drawn(maps_of([values]), scale)[0][0][1] <= 120


def test_extreme_values_survive_zscore():
    # deviation 3e38 around 0, although its square exceeds float32 by far
    assert drawn(maps_of([[-3e38, 3e38]]), "zscore") == [[[60, 179]]]


def test_colours_rise_with_values_and_stay_within_half_a_step():
    values = np.sort(np.random.default_rng(2).uniform(-4, 9, 5000).astype(np.float32))
    indices = np.array(drawn(values.reshape(50, 100, 1), "channel")).ravel()
    assert (np.diff(indices) >= 0).all()
    assert indices[0] == 0
    assert indices[-1] == 239
    assert set(indices) == set(range(240))
    step = (float(values[-1]) - float(values[0])) / 239
    assert np.abs(values[0] + indices * step - values).max() <= step / 2 * 1.001


def test_values_outside_the_range_get_the_end_colours():
    maps = maps_of([[-100, 0, 1, 100]])
    assert scaling.quantize(maps, np.array([[0.0, 1.0]])).tolist() == [[[0, 0, 239, 239]]]


@pytest.mark.parametrize("scale", SCALES)
def test_arguments_stay_as_they_are(scale):
    maps = maps_of([[NAN, 2], [INF, 4]], [[1, 1], [1, 1]])
    before = maps.copy()
    maps.flags.writeable = False
    ranges = ranges_of(maps, scale)
    ranges.flags.writeable = False
    assert scaling.quantize(maps, ranges).dtype == np.uint8
    scaling.average_down(maps, 2)
    np.testing.assert_array_equal(maps, before)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1, [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
        (2, [[2, 3.5], [6.5, 8]]),
        (3, [[4]]),
        (9, [[4]]),
    ],
)
def test_averages_cover_partial_blocks_at_the_edges(factor, expected):
    maps = maps_of([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    assert scaling.average_down(maps, factor)[..., 0].tolist() == expected


def test_averages_keep_channels_apart_and_flaws_local():
    maps = maps_of([[1, 3, NAN, 5]], [[INF, -INF, 2, 4]])
    averaged = scaling.average_down(maps, 2)
    np.testing.assert_array_equal(averaged[0].T, [[2, NAN], [NAN, 3]])


def test_averages_of_huge_values_stay_finite():
    averaged = scaling.average_down(maps_of([[3e38, 3e38], [3e38, 3e38]]), 2)
    np.testing.assert_allclose(averaged.ravel(), [3e38], rtol=1e-6)


def test_enlarging_repeats_pixels():
    assert scaling.enlarge(np.array([[[1, 2]]]), 2).tolist() == [[[1, 1, 2, 2], [1, 1, 2, 2]]]
    assert scaling.enlarge(np.array([[1, 2]]), 1).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("size", "factor"),
    [((1, 1), 32), ((8, 8), 4), ((9, 3), 4), ((5, 23), 2), ((24, 24), 1), ((3, 24), 1), ((224, 9), 1)],
)
def test_small_maps_are_enlarged_in_grids(size, factor):
    assert scaling.cell_factor(*size) == factor


@pytest.mark.parametrize("longer", range(1, 24))
def test_small_cells_become_readable_and_no_larger_than_needed(longer):
    factor = scaling.cell_factor(1, longer)
    assert isinstance(factor, int)
    assert longer * (factor - 1) < 32 <= longer * factor


@pytest.mark.parametrize(
    ("size", "factor"), [((1, 1), 128), ((28, 28), 5), ((127, 1), 2), ((128, 5), 1), ((3, 500), 1)]
)
def test_single_pictures_are_at_least_128_pixels_long(size, factor):
    assert scaling.picture_factor(*size) == factor
    assert scaling.picture_factor(*size[::-1]) == factor
