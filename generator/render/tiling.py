"""Pictures put together: grids of cells, bars side by side, canvases. No argument is changed."""

import math

import numpy as np

from generator.render.palette import (
    BACKGROUND,
)
from generator.render.scaling import quantize

GAP = 1


def bars(values: np.ndarray, limits: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw float values (count,) as bars `width` pixels wide, uint8 (`height`, count × width).

    `limits` are the values at the bottom and at the top and get the first and the last colour; bars start at
    zero. NaN and the infinities fill the whole height with their own colours.
    """
    low, high = limits
    extent = high - low if high > low else 1.0
    indices = quantize(values[None, :, None], np.array([[low, low + extent]]))[0, 0]
    rows = (height - 1) - np.rint(np.clip((values - low) / extent, 0, 1) * (height - 1))
    zero = (height - 1) - round((0 - low) / extent * (height - 1))
    finite = np.isfinite(values)
    top = np.where(finite, np.minimum(rows, zero), 0)
    bottom = np.where(finite, np.maximum(rows, zero), height - 1)
    row = np.arange(height)[:, None]
    picture = np.where((row >= top) & (row <= bottom), indices, BACKGROUND).astype(np.uint8)
    picture = picture.repeat(width, axis=1)
    if width > 2 * GAP:
        picture[:, width - 1 :: width] = BACKGROUND
    return picture


def grid_columns(channels: int, height: int, width: int) -> int:
    """Return how many columns make a grid of such maps about four units wide by three high.

    Among near choices the one that leaves the fewest empty cells in the last row wins.
    """
    ideal = math.sqrt(channels * height / width * 4 / 3)
    fewest, most = math.ceil(ideal / 1.5), min(channels, max(1, math.floor(ideal * 1.5)))
    return _tidiest(range(fewest, most + 1), channels, height / width)


def _tidiest(choices: range, channels: int, ratio: float) -> int:
    """Return the number of columns that leaves the fewest cells empty, then the nearest to 4:3."""
    ideal = math.sqrt(channels * ratio * 4 / 3)
    return min(choices, key=lambda columns: (-channels % columns, abs(columns - ideal)), default=channels)


def tile(cells: np.ndarray, columns: int) -> np.ndarray:
    """Lay uint8 cells (channels, height, width) out row by row; lines and empty cells are background."""
    channels, height, width = cells.shape
    rows = math.ceil(channels / columns)
    sheet = np.full((rows * columns, height + GAP, width + GAP), BACKGROUND, np.uint8)
    sheet[:channels, GAP:, GAP:] = cells
    sheet = sheet.reshape(rows, columns, height + GAP, width + GAP).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + GAP), columns * (width + GAP))
    return np.pad(sheet, ((0, GAP), (0, GAP)), constant_values=BACKGROUND)


def centre(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Put uint8 (…, h, w) in the middle of a background of (…, height, width)."""
    top, left = (height - picture.shape[-2]) // 2, (width - picture.shape[-1]) // 2
    canvas = np.full((*picture.shape[:-2], height, width), BACKGROUND, np.uint8)
    canvas[..., top : top + picture.shape[-2], left : left + picture.shape[-1]] = picture
    return canvas


def fit_grid(channels: int, height: int, width: int, box: tuple[int, int]) -> tuple[int, int, int]:
    """Return (shrink, enlarge, columns): the whole factors that make the largest grid inside `box`.

    `box` is (height, width) in pixels. One of the factors is 1. Cells never become smaller than a pixel,
    however small the box.
    """
    longer = max(height, width)
    scales = [(1, factor) for factor in range(max(box) // longer, 0, -1)]
    scales += [(shrink, 1) for shrink in range(2, longer + 1)]
    for shrink, factor in scales:
        cell = math.ceil(height / shrink) * factor + GAP, math.ceil(width / shrink) * factor + GAP
        rows, columns = ((side - GAP) // each for side, each in zip(box, cell, strict=True))
        if rows * columns >= channels:
            choices = range(math.ceil(channels / rows), min(columns, channels) + 1)
            return shrink, factor, _tidiest(choices, channels, cell[0] / cell[1])
    return longer, 1, max(1, (box[1] - GAP) // (1 + GAP))
