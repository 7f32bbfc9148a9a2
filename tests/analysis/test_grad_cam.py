"""Grad-CAM's arithmetic, and which layers and channels it is done with."""

import numpy as np
import pytest

from generator.analysis.attribution import (
    channel_strengths,
    choose_channels,
    grad_cam,
    order_changes,
    settled,
)
from generator.core.records import LayerInfo


def chain(*takes_and_settles: tuple[int | None, bool]) -> list[LayerInfo]:
    """Return layers from what each takes, and whether it only normalises or activates that."""
    return [
        LayerInfo(index=index, name="", kind="", family="other", shape=(4, 4, 2), parameters=0, takes=takes,
                  settles=settles)
        for index, (takes, settles) in enumerate(takes_and_settles, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (chain((None, False)), 1),
        (chain((None, False), (1, True), (2, True), (3, False)), 3),
        (chain((None, False), (1, False), (2, True)), 1),
        (chain((None, False), (1, True), (1, False)), 1),  # another one takes it as it is
        (chain((None, False), (1, True), (2, True), (2, True)), 2),
        (chain((None, False), (None, True)), 1),
    ],
)
def test_maps_are_weighed_as_the_rest_of_the_model_sees_them(layers, expected):
    assert settled(layers, 1) == expected


def test_grad_cam_weighs_with_mean_gradients_and_cuts_off_below_zero():
    maps = np.array([[[1, 2], [3, -4]]], np.float32)
    gradients = np.array([[[1, 0], [3, 1]]], np.float32)  # means 2 and 1/2
    found = grad_cam(maps, gradients)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[3, 4]])
    np.testing.assert_array_equal(grad_cam(maps, -gradients), [[0, 0]])


def test_strengths_are_absolute_sums_of_gradient_times_activation():
    maps = np.array([[[1, 2], [3, -4]]], np.float32)
    gradients = np.array([[[1, 0], [3, 1]]], np.float32)
    np.testing.assert_array_equal(channel_strengths(maps, gradients), [10, 4])


def test_all_channels_are_chosen_or_the_32_strongest():
    strengths = np.arange(40, dtype=np.float32)[::-1]
    np.testing.assert_array_equal(choose_channels(strengths, False), np.arange(40))
    np.testing.assert_array_equal(choose_channels(strengths, True), np.arange(32))
    np.testing.assert_array_equal(choose_channels(strengths[::-1], True), np.arange(8, 40))
    np.testing.assert_array_equal(
        choose_channels(np.zeros(40), True), np.arange(32)
    )  # of equal ones the first
    np.testing.assert_array_equal(choose_channels(strengths[:3], True), np.arange(3))


def test_the_largest_fall_comes_first():
    whole, scores = np.float32(2), np.array([2.5, 1, 2, 1], np.float32)
    channels, changes = order_changes(np.array([3, 5, 7, 9]), whole, scores)
    assert changes.dtype == np.float32
    np.testing.assert_array_equal(channels, [5, 9, 7, 3])
    np.testing.assert_array_equal(changes, [-1, -1, 0, 0.5])
