"""The health of layers: one image's numbers against plain NumPy, and what several images make of them."""

import numpy as np
import pytest
from health_cases import CASES, INF, NAN, flawed_maps, random_maps, result

from generator.analysis import statistics
from generator.analysis.health import COMMON_BINS, combine, doubles, figures, merge_bins, strongest, warnings
from generator.website import templating
from generator.website.components.health import HealthTerms


@pytest.mark.parametrize("maps", CASES.values(), ids=CASES)
def test_what_an_image_adds_equals_plain_numpy(maps):
    partial = result(maps).partial
    np.testing.assert_array_equal(partial.zeros, [(maps[..., c] == 0).sum() for c in range(maps.shape[-1])])
    others = maps[np.isfinite(maps) & (maps != 0)].astype(np.float64)
    assert partial.bins.sum() == others.size and partial.bins.shape == (256,)
    if others.size:
        assert (partial.low, partial.high) == (others.min(), others.max())
    if others.size and partial.low < partial.high:
        np.testing.assert_array_equal(partial.bins, np.histogram(others, 256)[0])


@pytest.mark.parametrize("step", [1, 2])
def test_alike_are_pairs_that_correlate_and_nothing_else(step):
    maps = flawed_maps() if step == 1 else random_maps(3, 70, 65)
    maps[..., 5] = 3 * maps[..., 0] + 2
    maps[..., 1] = -maps[..., 0]
    flat = maps[::step, ::step].reshape(-1, 6)
    expected = []
    for first in range(6):
        for second in range(first + 1, 6):
            pair = flat[:, [first, second]]
            if np.isfinite(pair).all() and np.corrcoef(pair.T.astype(np.float64))[0, 1] > 0.99:
                expected.append(first * 6 + second)
    assert result(maps).partial.alike.tolist() == expected == [5]


def test_constant_flawed_and_small_maps_have_no_duplicates():
    same = np.ones((5, 5, 3)) * np.array([1, 1, 2])
    assert result(same).partial.alike.size == 0
    rising = np.arange(12).reshape(3, 4, 1) * np.ones(2)
    assert result(rising).partial.alike.size == 0
    assert result(np.concatenate([rising, rising + 12])).partial.alike.tolist() == [1]
    spike = np.full((70, 70, 2), 0.1)
    spike[1, 1] = 5  # where nothing is compared, since every second value is
    assert result(spike).partial.alike.size == 0


def test_over_all_images_the_numbers_are_those_of_all_values_together():
    stacks = [random_maps(0), flawed_maps(), random_maps(2, 4, 11)]
    health = combine([result(maps) for maps in stacks])
    values = np.concatenate([maps.reshape(-1, 6) for maps in stacks]).astype(np.float64)
    finite = np.isfinite(values)
    assert (health.images, health.channels, health.values) == (3, 6, finite.sum())
    assert (health.zeros, health.above) == ((values == 0).sum(), (values[finite] > 0).sum())
    assert health.magnitude == pytest.approx(np.sqrt((values[finite] ** 2).mean()))
    assert health.flawed.tolist() == [False, False, True, True, True, False]
    for channel in range(6):
        column = values[finite[:, channel], channel]
        assert (health.minimum[channel], health.maximum[channel]) == (column.min(), column.max())
        assert health.active[channel] == pytest.approx((column > 0).mean())
        assert health.zero[channel] == pytest.approx((column == 0).mean())
        means = [maps[..., channel][np.isfinite(maps[..., channel])].astype(np.float64) for maps in stacks]
        assert health.mean[channel] == pytest.approx(np.mean([each.mean() for each in means if each.size]))
        assert health.loudest[channel] == np.argmax([each.mean() if each.size else -INF for each in means])


def test_merged_histograms_keep_every_count_and_its_place():
    partials = [result(maps).partial for maps in CASES.values()]
    edges, bins = merge_bins([partials[0], partials[2], partials[3], partials[4]])
    assert bins.sum() == pytest.approx(sum(partials[each].bins.sum() for each in (0, 2, 3, 4)))
    assert (np.diff(edges) > 0).all() and (bins >= 0).all() and edges.shape == (49,)
    one = random_maps(5, 100, 100)
    edges, bins = merge_bins([result(one).partial])
    exact = np.histogram(one[one != 0], edges)[0]
    assert np.abs(np.cumsum(bins) - np.cumsum(exact)).max() < 0.02 * exact.sum()
    for nothing in (partials[3], result(np.full((2, 2, 1), NAN)).partial):
        edges, bins = merge_bins([nothing])
        assert (edges[0], edges[-1], bins.sum()) == (-1, 1, 0)
    for value in (2, -2):
        edges, bins = merge_bins([result(np.full((3, 3, 1), value)).partial])
        assert bins[(edges[:-1] <= value) & (value < edges[1:])].sum() == 9


def test_behind_a_relu_a_channel_is_dead_that_never_rises_above_zero():
    first, second = np.abs(random_maps(0)), np.abs(random_maps(1))
    first[..., 1:3], second[..., 1] = 0, 0
    first[..., 4], second[..., 4] = 2, 2
    health = combine([result(first), result(second)])
    assert health.rectified and np.flatnonzero(health.dead).tolist() == [1]
    assert np.flatnonzero(health.constant).tolist() == [1, 4]
    assert warnings(health) == [
        "1 of 6 channels never fires on these images",
        "1 of 6 channels gives a map of a single value on every image",
    ]
    assert 1 not in strongest(health, 6) and strongest(health, 1) == [4]


def test_elsewhere_a_channel_is_dead_that_never_changes():
    first, second = random_maps(0), random_maps(1)
    first[..., 0], second[..., 0] = -1, -1
    first[..., 1], second[..., 1] = 1, 2
    first[..., 2], second[..., 2] = 0, 0
    first[0, 0, 2] = NAN
    health = combine([result(first), result(second)])
    assert not health.rectified
    assert np.flatnonzero(health.dead).tolist() == [0]
    assert np.flatnonzero(health.constant).tolist() == [0, 1]
    assert warnings(health)[0] == "1 of 6 channels has NaN or infinite values"


def test_of_a_single_value_nobody_can_tell_whether_it_changes():
    health = combine([result(np.array([[[1, -1, 0]]]))])
    assert not health.dead.any() and not health.constant.any()
    health = combine([result(np.array([[[1, -1, 0]]])), result(np.array([[[2, -1, 0]]]))])
    assert health.dead.tolist() == [False, True, True] and not health.constant.any()
    assert combine([result(np.array([[[1, 0]]]))]).dead.tolist() == [False, True]


def test_duplicates_hold_on_every_image_and_are_put_into_groups():
    stacks = [random_maps(seed) for seed in (0, 1)]
    for maps in stacks:
        maps[..., 3], maps[..., 5] = 2 * maps[..., 1], maps[..., 1] + 1
    stacks[0][..., 4] = stacks[0][..., 0]
    health = combine([result(maps) for maps in stacks])
    assert health.alike == ((1, 3, 5),) and doubles(health) == 2
    assert warnings(health) == ["2 of 6 channels repeat another one"]


def test_a_layer_without_any_finite_value_has_numbers_all_the_same():
    health = combine([result(np.full((4, 4, 2), NAN))])
    assert (health.values, health.sparsity, health.magnitude) == (0, 0, 0)
    assert not health.dead.any() and strongest(health, 3) == []
    assert figures(health)["minimum"] is None and figures(health)["flawed"] == 2


def test_the_pages_state_the_thresholds():
    health = {"health": {"terms": HealthTerms()}}
    words = templating.fill(templating.environment(None), "health_words.html.j2", **health)
    for said in (
        f"above {statistics.ALIKE} on every image",
        f"fewer than {statistics.FEWEST} values",
        f"larger than {statistics.COMPARED}×{statistics.COMPARED}",
        f"{statistics.BINS} bins",
        f"over {COMMON_BINS} bins",
    ):
        assert said in words
