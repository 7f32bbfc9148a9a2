"""Numbers about a layer's maps."""

import numpy as np

from generator.data import MapStatistics


def measure(maps: np.ndarray) -> MapStatistics:
    """Return the statistics of float (height, width, channels), each channel for itself."""
    values = np.moveaxis(maps, -1, 0).reshape(maps.shape[-1], -1).astype(np.float64)
    finite = np.isfinite(values)
    count = finite.sum(axis=1)
    known = np.where(finite, values, 0)
    some = count > 0
    divisor = np.maximum(count, 1)
    mean = known.sum(axis=1) / divisor
    apart = np.where(finite, values - mean[:, None], 0)
    return MapStatistics(
        minimum=np.where(some, np.where(finite, values, np.inf).min(axis=1, initial=np.inf), np.nan),
        maximum=np.where(some, np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf), np.nan),
        mean=np.where(some, mean, np.nan),
        variance=np.where(some, (apart**2).sum(axis=1) / divisor, np.nan),
        active=np.where(some, (known > 0).sum(axis=1) / divisor, np.nan),
        flawed=values.shape[1] - count,
    )
