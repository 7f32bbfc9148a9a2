"""The health of a layer: what its channels do over all images, in numbers and in sentences."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from generator.analysis.statistics import BINS
from generator.core.formatting import count
from generator.core.records import Layer, LayerHealth, LayerNumbers, PartialStatistics, ShownImage

COMMON_BINS = 48
SILENT = "no value here is below zero, and a channel is dead when none is above it on any image"
STILL = "values here lie below zero too, and a channel is dead when all of them, on all images, are the same"


def combine(numbers: Sequence[LayerNumbers]) -> LayerHealth:
    """Merge a layer's numbers for all images, at least one, into its health.

    `rectified`: no finite value of the layer is below zero, as behind a ReLU. There a channel is `dead` when
    none of its values is above zero on any image; in other layers when all its values on all images are
    one and the same. `constant`: on every image the map has one single value, which may differ between the
    images; of maps of a single value nobody can tell. `flawed`: NaN or infinite somewhere; such a channel is
    neither. `alike`: Pearson correlation above 0.99 on every image, channels that are constant on one left
    out; a group is what such pairs connect.
    """
    statistics = [each.statistics for each in numbers]
    pixels = np.array([each.shape[0] * each.shape[1] for each in numbers])[:, None]
    finite = pixels - np.stack([each.flawed for each in statistics])
    known = np.maximum(finite.sum(axis=0), 1)
    some = finite.any(axis=0)
    flawed = (finite < pixels).any(axis=0)
    minimum = np.where(some, np.fmin.reduce([each.minimum for each in statistics], dtype=float), np.nan)
    maximum = np.where(some, np.fmax.reduce([each.maximum for each in statistics], dtype=float), np.nan)
    rectified = bool(some.any() and np.nanmin(minimum) >= 0)
    one_value = (minimum == maximum) & (pixels.sum() > 1)
    means = np.stack([each.mean for each in statistics])
    squares = np.stack([each.mean**2 + each.variance for each in statistics])
    zeros = np.sum([each.partial.zeros for each in numbers], axis=0)
    above = np.nansum(np.stack([each.active for each in statistics]) * finite, axis=0)
    edges, bins = merge_bins([each.partial for each in numbers])
    return LayerHealth(
        images=len(numbers),
        rectified=rectified,
        dead=~flawed & (maximum <= 0 if rectified else one_value),
        constant=~flawed & np.all([each.constant for each in statistics], axis=0) & (pixels > 1).all(),
        flawed=flawed,
        minimum=minimum,
        maximum=maximum,
        mean=_mean(means),
        active=np.where(some, above / known, np.nan),
        zero=np.where(some, zeros / known, np.nan),
        loudest=np.where(np.isnan(means), -np.inf, means).argmax(axis=0),
        alike=_groups([each.partial.alike for each in numbers], len(minimum)),
        zeros=int(zeros.sum()),
        above=round(above.sum()),
        edges=edges,
        bins=bins,
        magnitude=float(np.sqrt(np.nansum(squares * finite) / max(1, finite.sum()))),
    )


def _mean(means: np.ndarray) -> np.ndarray:
    """Return the mean over the images, those without a number left out, float64 (channels,)."""
    known = ~np.isnan(means)
    total = np.where(known, means, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def merge_bins(partials: Sequence[PartialStatistics]) -> tuple[np.ndarray, np.ndarray]:
    """Return 49 edges from the lowest to the highest value of all images, and the counts between them.

    Each image's 256 bins are shared out in proportion to the overlap, so counts are float64 (48,) and their
    sum is that of the images' counts. Without any values the edges are those of −1…1.
    """
    filled = [each for each in partials if each.bins.any()]
    low = min((each.low for each in filled), default=-1.0)
    high = max((each.high for each in filled), default=1.0)
    if low == high:  # a single value gets bins as wide as itself around it
        low, high = low - abs(low) / 2, high + abs(high) / 2
    edges = np.linspace(low, high, COMMON_BINS + 1)
    total = np.zeros(COMMON_BINS)
    for each in filled:
        if each.low == each.high:
            place = min(np.searchsorted(edges, each.low, "right") - 1, COMMON_BINS - 1)
            total[place] += each.bins.sum()
            continue
        below = np.concatenate([[0], np.cumsum(each.bins)])
        total += np.diff(np.interp(edges, np.linspace(each.low, each.high, BINS + 1), below))
    return edges, total


def _groups(pairs: Sequence[np.ndarray], channels: int) -> tuple[tuple[int, ...], ...]:
    """Return what the pairs that all images have in common connect, sorted."""
    common = pairs[0]
    for each in pairs[1:]:
        common = np.intersect1d(common, each, assume_unique=True)
    group = {}
    for first, second in zip(*divmod(common, channels), strict=True):
        one = group.setdefault(int(first), {int(first)})
        other = group.setdefault(int(second), {int(second)})
        if one is not other:
            one |= other
            group.update(dict.fromkeys(other, one))
    return tuple(sorted({tuple(sorted(each)) for each in group.values()}))


def strongest(found: LayerHealth, most: int) -> list[int]:
    """Return the channels with the highest mean, dead ones and those without numbers left out."""
    order = np.argsort(-np.nan_to_num(found.mean, nan=-np.inf), kind="stable")
    return [int(each) for each in order if not (found.dead[each] or np.isnan(found.mean[each]))][:most]


def doubles(found: LayerHealth) -> int:
    """Return how many channels could go without a loss: all but one of each group."""
    return sum(len(group) - 1 for group in found.alike)


def warnings(found: LayerHealth) -> list[str]:
    """Return what is wrong with a layer, worst first, each to follow its name; none where all is well."""
    of, said = f"of {count(found.channels, 'channel')}", []
    if flawed := int(found.flawed.sum()):
        said.append(f"{flawed:,} {of} {_verb(flawed, 'has', 'have')} NaN or infinite values")
    if dead := int(found.dead.sum()):
        still = f"{_verb(dead, 'gives', 'give')} one and the same value everywhere"
        deed = f"never {_verb(dead, 'fires', 'fire')}" if found.rectified else still
        said.append(f"{dead:,} {of} {deed} on {_verb(found.images, 'this image', 'these images')}")
    if stuck := int((found.constant & ~found.dead).sum()):
        said.append(f"{stuck:,} {of} {_verb(stuck, 'gives', 'give')} a map of a single value on every image")
    if same := doubles(found):
        said.append(f"{same:,} {of} {_verb(same, 'repeats', 'repeat')} another one")
    return said


def _verb(number_of: int, one: str, many: str) -> str:
    return one if number_of == 1 else many


def figures(found: LayerHealth) -> dict[str, Any]:
    """Return a layer's health in a few numbers, as the manifest and the CSV file have them."""
    low, high = np.fmin.reduce(found.minimum), np.fmax.reduce(found.maximum)
    return {
        "channels": found.channels,
        "dead": int(found.dead.sum()),
        "constant": int(found.constant.sum()),
        "flawed": int(found.flawed.sum()),
        "duplicates": doubles(found),
        "zero": round(found.sparsity, 6),
        "minimum": None if np.isnan(low) else float(low),
        "maximum": None if np.isnan(high) else float(high),
        "magnitude": found.magnitude,
    }


def define_dead(found: LayerHealth) -> str:
    """Return what "dead" means in this layer."""
    return SILENT if found.rectified else STILL


def check_up(layers: Sequence[Layer], results: Sequence[ShownImage]) -> dict[str, LayerHealth]:
    """Return the health of each of the layers by slug, from the numbers of all images."""
    return {layer.slug: combine([each.layers[layer.slug].numbers for each in results]) for layer in layers}
