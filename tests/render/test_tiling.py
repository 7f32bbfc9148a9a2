"""Grids, canvases, and what fits into them."""

import numpy as np
import pytest

from generator.render import tiling
from generator.render.palette import BACKGROUND

COUNTS = (1, 2, 3, 7, 8, 13, 20, 33, 64, 100, 1000)


def grid_size(channels, height, width, columns):
    """Work out (height, width) in pixels of a grid with lines of one pixel around every cell."""
    rows = -(-channels // columns)
    return rows * (height + 1) + 1, columns * (width + 1) + 1


@pytest.mark.parametrize(
    ("channels", "columns"), [(1, 1), (2, 2), (7, 4), (8, 4), (13, 5), (20, 5), (33, 7), (64, 8), (1000, 40)]
)
def test_grids_of_square_maps(channels, columns):
    assert tiling.grid_columns(channels, 16, 16) == columns


@pytest.mark.parametrize("channels", [count for count in COUNTS if count >= 3])
@pytest.mark.parametrize("size", [(16, 16), (10, 30), (30, 10)])
def test_grids_are_about_as_wide_as_a_screen(channels, size):
    columns = tiling.grid_columns(channels, *size)
    height, width = grid_size(channels, *size, columns)
    assert 0.4 <= width / height <= 3.2


@pytest.mark.parametrize("channels", COUNTS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 2), (1, 40), (40, 1)])
def test_every_channel_is_in_the_grid_once_and_in_order(channels, size):
    height, width = size
    columns = tiling.grid_columns(channels, height, width)
    assert 1 <= columns <= channels
    cells = np.random.default_rng(channels).integers(0, 240, (channels, height, width), dtype=np.uint8)
    sheet = tiling.tile(cells, columns)
    assert sheet.shape == grid_size(channels, height, width, columns)
    rows = -(-channels // columns)
    assert sheet.shape == (rows * (height + 1) + 1, columns * (width + 1) + 1)
    rest = sheet.copy()
    for channel in range(channels):
        top, left = 1 + channel // columns * (height + 1), 1 + channel % columns * (width + 1)
        np.testing.assert_array_equal(sheet[top : top + height, left : left + width], cells[channel])
        rest[top : top + height, left : left + width] = BACKGROUND
    assert (rest == BACKGROUND).all()


def test_a_grid_pixel_by_pixel():
    cells = np.array([[[1]], [[2]], [[3]]], np.uint8)
    line = [240] * 5
    assert tiling.tile(cells, 2).tolist() == [
        line,
        [240, 1, 240, 2, 240],
        line,
        [240, 3, 240, 240, 240],
        line,
    ]


def test_the_centre_is_the_middle():
    assert tiling.centre(np.array([[7, 8]], np.uint8), 3, 4).tolist() == [
        [240] * 4,
        [240, 7, 8, 240],
        [240] * 4,
    ]
    assert tiling.centre(np.full((5, 2, 2), 9, np.uint8), 2, 4)[4].tolist() == [[240, 9, 9, 240]] * 2


@pytest.mark.parametrize("box", [(50, 50), (234, 256), (682, 704)])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 100), (300, 20), (224, 224)])
def test_grids_fit_their_box(box, size):
    for channels in COUNTS:
        shrink, enlarge, columns = tiling.fit_grid(channels, *size, box)
        assert 1 in (shrink, enlarge)
        cell = [-(-side // shrink) * enlarge for side in size]
        height, width = grid_size(channels, *cell, columns)
        assert (height <= box[0] and width <= box[1]) or cell == [1, 1]
        larger = [side * (enlarge + 1) for side in size]
        height, width = grid_size(channels, *larger, columns)
        assert shrink > 1 or height > box[0] or width > box[1]


def test_a_grid_fills_its_box():
    # 4 columns of 3 rows, twice as large: 3 × (6 + 1) + 1 by 4 × (6 + 1) + 1 pixels
    assert tiling.fit_grid(12, 3, 3, (22, 29)) == (1, 2, 4)
    assert tiling.fit_grid(12, 3, 3, (21, 29)) == (1, 1, 4)
    assert tiling.fit_grid(12, 3, 3, (22, 28)) == (1, 1, 4)
    assert tiling.fit_grid(1, 100, 50, (52, 200)) == (2, 1, 1)
