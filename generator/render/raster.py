"""Arrays to arrays: feature maps to palette indices, and those to grids. No function changes its arguments.

A palette has 256 entries: `LEVELS` colours from low to high, then the special entries below.
"""

import math

import numpy as np

from generator.core.records import MapStatistics
from generator.core.sequences import pieces

LEVELS = 240
BACKGROUND, CONSTANT, NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY = range(LEVELS, LEVELS + 5)
INK = 246  # the first of ten greys from the background to the text of captions
SMALLEST_CELL = 24  # maps smaller than this are enlarged in a grid…
READABLE_CELL = 32  # …to at least this
SMALLEST_PICTURE = 128  # the longer side of a single channel's picture
GAP = 1


def value_ranges(statistics: MapStatistics, pixels: int, scale: str) -> np.ndarray:
    """Return float64 (channels, 2): the values of the first and the last colour of each channel.

    `statistics` are those of maps with `pixels` values each. "channel" takes each channel's minimum and
    maximum, "layer" those of all channels together, "zscore" the mean minus and plus two standard deviations
    of each channel (value − mean, over the deviation, × 64 + 128 in 0…255).
    A constant channel gets its one value twice in every scale, a channel without finite values (0, 0).
    Maps of one pixel are always scaled by layer, since within one value there is nothing to compare.
    """
    low, high = statistics.minimum.astype(np.float64), statistics.maximum.astype(np.float64)
    some = ~np.isnan(low)
    varied = some & ((pixels == 1) | ~statistics.constant)
    if scale == "layer" or pixels == 1:
        low = np.where(varied, low.min(initial=np.inf, where=some), low)
        high = np.where(varied, high.max(initial=-np.inf, where=some), high)
    elif scale == "zscore":
        spread = 2 * np.sqrt(statistics.variance)
        low = np.where(varied, statistics.mean - spread, low)
        high = np.where(varied, statistics.mean + spread, high)
    return np.where(some[:, None], np.stack([low, high], axis=1), 0.0)


def quantize(maps: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Return palette indices, uint8 (channels, height, width), of float maps (height, width, channels).

    A channel whose range has no extent becomes `CONSTANT`. NaN and the infinities have indices of their
    own; other values outside the range are clipped to it.
    """
    height, width, channels = maps.shape
    indices = np.empty((channels, height, width), np.uint8)
    for piece in pieces(channels, height * width):
        _quantize(maps[..., piece], ranges[piece], indices[piece])
    return indices


def _quantize(maps: np.ndarray, ranges: np.ndarray, indices: np.ndarray) -> None:
    values = np.moveaxis(maps, -1, 0).astype(np.float64)
    low, high = ranges[:, 0, None, None], ranges[:, 1, None, None]
    with np.errstate(invalid="ignore"):  # what is not finite gets its index below
        shares = values - low
        shares /= np.where(high > low, high - low, 1)
        np.clip(shares, 0, 1, out=shares)
        shares *= LEVELS - 1
        indices[:] = np.rint(shares, out=shares)
    indices[ranges[:, 0] >= ranges[:, 1]] = CONSTANT
    if not np.isfinite(values).all():
        indices[np.isnan(values)] = NOT_A_NUMBER
        indices[values == np.inf] = PLUS_INFINITY
        indices[values == -np.inf] = MINUS_INFINITY


def average_down(maps: np.ndarray, factor: int) -> np.ndarray:
    """Average (height, width, channels) over blocks of `factor` × `factor`; edge blocks may be smaller."""
    if factor == 1:
        return maps
    height, width, channels = maps.shape
    sums = np.zeros((-(-height // factor), -(-width // factor), channels))
    counts = np.zeros((*sums.shape[:2], 1))
    with np.errstate(invalid="ignore", over="ignore"):  # infinities may meet
        for row, column in np.ndindex(factor, factor):
            part = maps[row::factor, column::factor]
            sums[: part.shape[0], : part.shape[1]] += part
            counts[: part.shape[0], : part.shape[1]] += 1
        return (sums / counts).astype(maps.dtype)


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
