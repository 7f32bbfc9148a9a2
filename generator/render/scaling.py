"""Values to palette indices: scaled to colours, averaged down, enlarged. No argument is changed."""

import math

import numpy as np

from generator.core.records import MapStatistics
from generator.core.sequences import pieces
from generator.render.palette import (
    CONSTANT,
    LEVELS,
    MINUS_INFINITY,
    NOT_A_NUMBER,
    PLUS_INFINITY,
)

SMALLEST_CELL = 24  # maps smaller than this are enlarged in a grid…
READABLE_CELL = 32  # …to at least this
SMALLEST_PICTURE = 128  # the longer side of a single channel's picture


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
