"""Numbers about a layer's maps."""

import numpy as np

from generator.core.records import LayerNumbers, MapStatistics, PartialStatistics
from generator.core.sequences import pieces

BINS = 256
ALIKE = 0.99  # correlation above which two channels say the same
FEWEST = 16  # values of a map: in smaller ones channels correlate by chance
PRODUCTS = 2**18  # multiplications that BLAS makes in one thread
COMPARED = 64  # values a side: of larger maps every second, third… row and column is compared


def measure(maps: np.ndarray) -> MapStatistics:
    """Return the statistics of float32 (height, width, channels), each channel for itself."""
    height, width, channels = maps.shape
    found = [_measure(maps[..., piece]) for piece in pieces(channels, height * width)]
    return MapStatistics(**{name: np.concatenate([each[name] for each in found]) for name in found[0]})


def _measure(maps: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fields of `MapStatistics` by name."""
    values = np.moveaxis(maps, -1, 0).reshape(maps.shape[-1], -1).astype(np.float64)
    finite = np.isfinite(values)
    whole = finite.all()

    def known(instead: float | np.ndarray) -> np.ndarray:
        return values if whole else np.where(finite, values, instead)

    count = finite.sum(axis=1)
    some = count > 0
    divisor = np.maximum(count, 1)
    mean = known(0).sum(axis=1) / divisor
    apart = known(mean[:, None]) - mean[:, None]
    minimum = np.where(some, known(np.inf).min(axis=1, initial=np.inf), np.nan)
    maximum = np.where(some, known(-np.inf).max(axis=1, initial=-np.inf), np.nan)
    return {
        "minimum": minimum.astype(np.float32),
        "maximum": maximum.astype(np.float32),
        "mean": np.where(some, mean, np.nan),
        "variance": np.where(some, np.square(apart, out=apart).sum(axis=1) / divisor, np.nan),
        "active": np.where(some, np.count_nonzero(known(0) > 0, axis=1) / divisor, np.nan),
        "flawed": (values.shape[1] - count).astype(np.int32),
    }


def layer_numbers(maps: np.ndarray, statistics: MapStatistics) -> LayerNumbers:
    """Return all numbers of float32 (height, width, channels), whose `statistics` are known."""
    return LayerNumbers(shape=maps.shape, statistics=statistics, partial=examine(maps, statistics))


def examine(maps: np.ndarray, statistics: MapStatistics) -> PartialStatistics:
    """Return what float32 (height, width, channels) adds to its layer's health."""
    values = maps.ravel()
    if statistics.flawed.any():
        values = values[np.isfinite(values)]
    values = values[values != 0]
    low, high = (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)
    factor = BINS / (high - low) if high > low else 0.0
    bins = np.zeros(BINS, np.int32)
    for piece in pieces(values.size, 1):
        # The highest value belongs into the last bin.
        places = np.minimum((values[piece].astype(np.float64) - low) * factor, BINS - 1)
        bins += np.bincount(places.astype(np.uint8), minlength=BINS).astype(np.int32)
    zeros = maps.shape[0] * maps.shape[1] - np.count_nonzero(maps, axis=(0, 1))
    alike = _alike(maps, statistics)
    return PartialStatistics(zeros=zeros.astype(np.int32), low=low, high=high, bins=bins, alike=alike)


def _alike(maps: np.ndarray, statistics: MapStatistics) -> np.ndarray:
    """Return the pairs of channels whose Pearson correlation is above `ALIKE`; see `PartialStatistics`.

    Channels that are constant where they are compared and those with NaN or infinite values are left out.
    """
    height, width, channels = maps.shape
    step = -(-max(height, width) // COMPARED)
    sample = maps[::step, ::step].reshape(-1, channels)
    candidates = np.flatnonzero((statistics.flawed == 0) & (sample.min(axis=0) < sample.max(axis=0)))
    if height * width < FEWEST or len(candidates) < 2:
        return np.empty(0, np.int32)
    sample = sample[:, candidates].astype(np.float64)
    sample -= sample.mean(axis=0)
    sample = (sample / np.sqrt((sample**2).sum(axis=0))).astype(np.float32)
    # BLAS starts threads of its own for larger products, and waits for them where all cores are busy.
    work = sample.size * len(candidates)
    parts = np.array_split(sample, -(-work // PRODUCTS) if len(candidates) <= 128 else 1)
    first, second = np.nonzero(np.triu(sum(each.T @ each for each in parts) > ALIKE, 1))
    return (candidates[first] * channels + candidates[second]).astype(np.int32)
