"""Records of numbers about a layer's maps, for one image and over all images."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class MapStatistics:
    """Numbers of one layer's maps for one image, each of shape (channels,).

    `minimum` and `maximum` are float32 as the maps are, `flawed` is int32, the others are float64.

    They cover finite values only and are NaN where a channel has none. `variance` is that of the
    population, `active` the share of values above zero, `flawed` counts values that are NaN or infinite.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    active: np.ndarray
    flawed: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Which channels have one single finite value everywhere, as bool (channels,)."""
        return (self.minimum == self.maximum) & (self.flawed == 0)


@dataclass(frozen=True, kw_only=True)
class PartialStatistics:
    """What one image adds to a layer's statistics over all images, so that its maps need not be kept.

    `zeros` counts values equal to zero, int32 (channels,). The finite values other than zero are counted in
    `bins`, int32 (256,), equally wide from `low` to `high`, which are NaN where there are none. `alike` has
    the pairs of channels that correlate, each as first × channels + second with first < second, sorted int32.
    """

    zeros: np.ndarray
    low: float
    high: float
    bins: np.ndarray
    alike: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LayerNumbers:
    """The numbers of one layer for one image, whose maps are `shape` (height, width, channels)."""

    shape: tuple[int, int, int]
    statistics: MapStatistics
    partial: PartialStatistics


@dataclass(frozen=True, kw_only=True)
class LayerHealth:
    """A layer's maps over all images. What the words mean is defined in `generator.analysis.health.combine`.

    `dead`, `constant` and `flawed` are bool (channels,), the numbers of channels float64 (channels,); those
    cover finite values and are NaN where there are none. `mean` is the mean of the images' means, `active`
    the share of values above zero, `zero` that of values equal to zero. `loudest` is the place among the
    images of the one with the highest mean, int64 (channels,). `alike` has groups of channels that are
    duplicates. `rectified` tells that no value is below zero. `bins` counts the finite values other than
    zero, float64 (48,), between the 49 `edges`; `zeros` are counted apart, and `above` are all above zero.
    `magnitude` is the root mean square of all finite values.
    """

    images: int
    rectified: bool
    dead: np.ndarray
    constant: np.ndarray
    flawed: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    active: np.ndarray
    zero: np.ndarray
    loudest: np.ndarray
    alike: tuple[tuple[int, ...], ...]
    zeros: int
    above: int
    edges: np.ndarray
    bins: np.ndarray
    magnitude: float

    @property
    def channels(self) -> int:
        """The number of channels."""
        return len(self.dead)

    @property
    def values(self) -> int:
        """The number of finite values of all channels and images."""
        return self.zeros + round(self.bins.sum())

    @property
    def sparsity(self) -> float:
        """The share of finite values that equal zero; 0 where there are none."""
        return self.zeros / max(1, self.values)
