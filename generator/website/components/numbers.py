"""Numbers of channels and of images, formatted: rows of tables, and aligned text."""

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from generator.core import paths
from generator.core.formatting import count, number
from generator.core.records import ImageResult, Layer, LayerResult, MapStatistics
from generator.website.links import Link, link_to


@dataclass(frozen=True, kw_only=True)
class NumbersRow:
    """A row of formatted numbers: of a channel, or of an image.

    `flag` names what is odd about it; `is_constant` tells that it is a channel of one single value.
    """

    link: Link
    minimum: str
    maximum: str
    mean: str
    active: str
    flag: str
    is_constant: bool = False


def constant_channels(layer: Layer, drawn: LayerResult) -> np.ndarray:
    """Return which channels are constant, bool (channels,); one of a single value is not called so."""
    return drawn.numbers.statistics.constant & (layer.is_map and layer.shape[:2] != (1, 1))


def image_numbers(page: str, result: ImageResult, layer: Layer) -> NumbersRow:
    """Return the numbers of one layer for one image."""
    statistics = result.layers[layer.slug].numbers.statistics
    low, high = extremes(statistics)
    slug = result.image.slug
    target = paths.image_layer_page(slug, layer.slug) if layer.is_map else paths.image_page(slug)
    link = link_to(page, target, result.image.name)
    flags = _flags(constant_channels(layer, result.layers[layer.slug]), statistics.flawed)
    active = f"{mean_of(statistics.active):.0%}"
    return NumbersRow(
        link=link,
        minimum=number(low),
        maximum=number(high),
        mean=number(mean_of(statistics.mean)),
        active=active,
        flag=flags,
    )


def channel_numbers(layer: Layer, drawn: LayerResult) -> list[NumbersRow]:
    """Return the numbers of each channel of one layer for one image."""
    statistics, constant = drawn.numbers.statistics, constant_channels(layer, drawn)
    rows = []
    for channel, active in enumerate(statistics.active):
        flawed = "NaN or infinite values" if statistics.flawed[channel] else ""
        row = NumbersRow(
            link=Link(href=f"#c{channel}", text=str(channel)),
            minimum=number(statistics.minimum[channel]),
            maximum=number(statistics.maximum[channel]),
            mean=number(statistics.mean[channel]),
            active="–" if math.isnan(active) else f"{active:.0%}",
            flag="constant" if constant[channel] else flawed,  # a flawed channel is never called constant
            is_constant=bool(constant[channel]),
        )
        rows.append(row)
    return rows


def numbers_text(layer: Layer, drawn: LayerResult) -> Markup:
    """Return the numbers of all channels as aligned text, escaped.

    As a table it would be most of the page's elements, and cost most of MkDocs' time.
    """
    rows = [("channel", "minimum", "maximum", "mean", "above zero", "")]
    rows += [
        (row.link.text, row.minimum, row.maximum, row.mean, row.active, row.flag)
        for row in channel_numbers(layer, drawn)
    ]
    lines = ("".join(f"{cell:>11}" for cell in row[:5]) + f"   {row[5]}" for row in rows)
    return escape("\n".join(line.rstrip() for line in lines))


def _flags(constant: np.ndarray, flawed: np.ndarray) -> str:
    flags = []
    if constant.any():
        flags.append(count(int(constant.sum()), "constant channel"))
    if flawed.any():
        flags.append(f"NaN or infinite values in {count(int((flawed > 0).sum()), 'channel')}")
    return ", ".join(flags)


def extremes(statistics: MapStatistics) -> tuple[float, float]:
    """Return the smallest and the largest finite value of all channels, NaN where there is none."""
    known = ~np.isnan(statistics.minimum)
    if not known.any():
        return math.nan, math.nan
    return statistics.minimum[known].min(), statistics.maximum[known].max()


def span_text(low: float, high: float) -> str:
    """Return "low … high"."""
    return f"{number(low)} … {number(high)}"


def mean_of(values: np.ndarray) -> float:
    """Return the mean of float (channels,) without NaN, 0 where there is nothing else."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0
