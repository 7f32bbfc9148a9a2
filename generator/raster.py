"""Arrays to arrays: feature maps to palette indices, and those to grids. No function changes its arguments.

A palette has 256 entries: `LEVELS` colours from low to high, then the special entries below.
"""

import math

import numpy as np

LEVELS = 240
BACKGROUND, CONSTANT, NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY = range(LEVELS, LEVELS + 5)
INK = 246  # the first of ten greys from the background to the text of captions
SMALLEST_CELL = 24  # maps smaller than this are enlarged in a grid…
READABLE_CELL = 32  # …to at least this
SMALLEST_PICTURE = 128  # the longer side of a single channel's picture
GAP = 1


def value_ranges(maps: np.ndarray, scale: str) -> np.ndarray:
    """Return float64 (channels, 2): the values of the first and the last colour of each channel.

    `maps` is float (height, width, channels); NaN and infinity are left out. "channel" takes each
    channel's minimum and maximum, "layer" those of all channels together, "zscore" the mean minus and
    plus two standard deviations of each channel (value − mean, over the deviation, × 64 + 128 in 0…255).
    A channel without finite values gets (0, 0). Maps of one pixel are always scaled by layer, since
    within one value there is nothing to compare.
    """
    values = np.moveaxis(maps, -1, 0).reshape(maps.shape[-1], -1).astype(np.float64)
    finite = np.isfinite(values)
    some = finite.any(axis=1)
    if scale == "zscore" and values.shape[1] > 1:
        count = np.maximum(finite.sum(axis=1), 1)
        known = np.where(finite, values, 0)
        mean = known.sum(axis=1) / count
        spread = np.where(finite, values - mean[:, None], 0)
        deviation = np.sqrt((spread**2).sum(axis=1) / count)
        return np.stack([mean - 2 * deviation, mean + 2 * deviation], axis=1)
    low = np.where(finite, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf)
    if scale == "layer" or values.shape[1] == 1:
        low = np.full_like(low, low.min(initial=np.inf))
        high = np.full_like(high, high.max(initial=-np.inf))
    return np.where(some[:, None], np.stack([low, high], axis=1), 0.0)


def quantize(maps: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Return palette indices, uint8 (channels, height, width), of float maps (height, width, channels).

    A channel of one single value becomes `CONSTANT`, unless it has a single pixel and its range an extent.
    NaN and the infinities have indices of their own; other values outside the range are clipped to it.
    """
    values = np.moveaxis(maps, -1, 0).astype(np.float64)
    low, high = ranges[:, 0, None, None], ranges[:, 1, None, None]
    extent = np.where(high > low, high - low, 1)
    finite = np.isfinite(values)
    known = np.where(finite, values, low)
    indices = np.rint(np.clip((known - low) / extent, 0, 1) * (LEVELS - 1)).astype(np.uint8)
    flat = (high <= low)[:, 0, 0]
    if values.shape[1] * values.shape[2] > 1:
        flat |= (values.max(axis=(1, 2)) == values.min(axis=(1, 2))) & finite.all(axis=(1, 2))
    indices[flat] = CONSTANT
    if not finite.all():
        indices[np.isnan(values)] = NOT_A_NUMBER
        indices[values == np.inf] = PLUS_INFINITY
        indices[values == -np.inf] = MINUS_INFINITY
    return indices


def average_down(maps: np.ndarray, factor: int) -> np.ndarray:
    """Average (height, width, channels) over blocks of `factor` × `factor`; edge blocks may be smaller."""
    if factor == 1:
        return maps
    rows, columns = (np.arange(0, size, factor) for size in maps.shape[:2])
    with np.errstate(invalid="ignore", over="ignore"):  # infinities may meet
        sums = np.add.reduceat(np.add.reduceat(maps, rows, axis=0), columns, axis=1)
    heights = np.diff(np.append(rows, maps.shape[0]))
    widths = np.diff(np.append(columns, maps.shape[1]))
    return sums / (heights[:, None] * widths)[..., None].astype(maps.dtype)


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Repeat every pixel of the last two axes `factor` times in both directions (nearest neighbour)."""
    return picture.repeat(factor, axis=-2).repeat(factor, axis=-1) if factor > 1 else picture


def cell_factor(height: int, width: int) -> int:
    """Return the whole factor by which maps of this size are enlarged in a grid, 1 for none."""
    longer = max(height, width)
    return 1 if longer >= SMALLEST_CELL else math.ceil(READABLE_CELL / longer)


def picture_factor(height: int, width: int) -> int:
    """Return the whole factor that makes the longer side at least `SMALLEST_PICTURE` pixels."""
    return math.ceil(SMALLEST_PICTURE / max(height, width))


def grid_columns(channels: int, height: int, width: int) -> int:
    """Return how many columns make a grid of such maps about four units wide by three high.

    Among near choices the one that leaves the fewest empty cells in the last row wins.
    """
    ideal = math.sqrt(channels * height / width * 4 / 3)
    choices = range(max(1, math.floor(ideal * 0.8)), min(channels, math.ceil(ideal * 1.2)) + 1)
    empty = {columns: -channels % columns for columns in choices}
    return min(choices, key=lambda columns: (empty[columns], abs(columns - ideal)), default=channels)


def grid_size(channels: int, height: int, width: int, columns: int) -> tuple[int, int]:
    """Return (height, width) in pixels of a grid of `channels` cells of this size."""
    rows = math.ceil(channels / columns)
    return rows * (height + GAP) + GAP, columns * (width + GAP) + GAP


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
    """Return (shrink, enlarge, columns): the whole factors that make a grid fill `box` (height, width).

    One of the two factors is 1. Cells never become smaller than a pixel, however small the box.
    """
    for shrink in range(1, max(height, width) + 1):
        small = math.ceil(height / shrink), math.ceil(width / shrink)
        columns = grid_columns(channels, *small)
        grid = grid_size(channels, *small, columns)
        if grid[0] <= box[0] and grid[1] <= box[1]:
            break
    if shrink > 1:
        return shrink, 1, columns
    factor = 1
    while all(
        side <= limit
        for side, limit in zip(
            grid_size(channels, height * (factor + 1), width * (factor + 1), columns), box, strict=True
        )
    ):
        factor += 1
    return 1, factor, columns


def evenly_spaced(total: int, wanted: int) -> tuple[int, ...]:
    """Return at most `wanted` of the numbers 0…total − 1, evenly spaced from the first on."""
    count = min(total, wanted)
    return tuple(index * total // count for index in range(count))
