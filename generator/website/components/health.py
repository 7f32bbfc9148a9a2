"""The health of layers on pages: warnings, facts, links, charts and their words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis import statistics
from generator.analysis.health import COMMON_BINS, define_dead, doubles, strongest, warnings
from generator.core import paths
from generator.core.formatting import count, number, one_line
from generator.core.records import ImageResult, Layer, LayerHealth
from generator.render import charts
from generator.website.components.pictures import PictureView
from generator.website.links import Link, link_to

STRONGEST = 5  # channels that a layer's page names
NAMED = 12  # channels of a kind named one by one; the CSV file has all
SHORT = 8  # warnings shown at once on the model's page


@dataclass(frozen=True, kw_only=True)
class HealthTerms:
    """The numbers in what the words mean: thresholds and numbers of bins, see `generator.analysis`."""

    correlation: float = statistics.ALIKE
    fewest_values: int = statistics.FEWEST
    compared_side: int = statistics.COMPARED
    bins: int = statistics.BINS
    common_bins: int = COMMON_BINS


@dataclass(frozen=True, kw_only=True)
class LayerHealthView:
    """A layer's health on its page. `strongest` has links with what follows each of them."""

    images: str
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    strongest: tuple[tuple[Link, str], ...]
    dead: str
    chart: PictureView
    csv: tuple[Link, ...]
    terms: HealthTerms = HealthTerms()


@dataclass(frozen=True, kw_only=True)
class HealthCell:
    """A number in a table: what it is sorted by, and how it is written."""

    value: float
    text: str


@dataclass(frozen=True, kw_only=True)
class HealthRow:
    """A layer in the model's table.

    `path` is a tiny histogram as the data of an SVG path, `zero` where 0 is in it.
    """

    index: int
    link: Link
    cells: tuple[HealthCell, ...]
    path: str
    zero: int | None


@dataclass(frozen=True, kw_only=True)
class ModelHealthView:
    """The health of all layers on the model's page; `more` are the warnings that are not among the worst."""

    images: str
    warnings: tuple[tuple[Link, str], ...]
    more: tuple[tuple[Link, str], ...]
    facts: tuple[tuple[str, str], ...]
    rows: tuple[HealthRow, ...]
    chart: PictureView
    csv: Link
    terms: HealthTerms = HealthTerms()
    spark_width: int = charts.SPARK_WIDTH
    spark_height: int = charts.SPARK_HEIGHT + 2  # with a margin for the line at zero


def layer_health_view(
    page: str, layer: Layer, health: LayerHealth, images: Sequence[ImageResult]
) -> LayerHealthView:
    """Return what the layer's own page says."""
    low, high = _range(health)
    dead, constant, flawed = (np.flatnonzero(each) for each in (health.dead, health.constant, health.flawed))
    same = doubles(health)
    groups = "; ".join(" ≈ ".join(map(str, group[:NAMED])) for group in health.alike[:NAMED])
    facts = (
        ("Dead", _share(dead, health)),
        ("Constant", _share(constant, health)),
        ("NaN or infinite", _share(flawed, health)),
        ("Duplicates", f"{_part(same, health)}: {groups}" if same else "none"),
        ("Equal to zero", f"{health.sparsity:.1%} of all values"),
        ("Above zero", f"{health.above / max(1, health.values):.1%} of all values"),
        ("Range", f"{number(low)} … {number(high)}"),
    )
    title = one_line(layer.name)
    return LayerHealthView(
        images=count(health.images, "image"),
        warnings=tuple(warnings(health)),
        facts=facts,
        strongest=tuple(_strong(page, layer, health, images, each) for each in strongest(health, STRONGEST)),
        dead=define_dead(health),
        chart=_chart(
            page, paths.health_chart(layer.slug), charts.LAYER_HEIGHT, describe_chart(title, health)
        ),
        csv=(
            Link(href=paths.link(page, paths.distribution_csv(layer.slug)), text="values as CSV"),
            Link(href=paths.link(page, paths.channels_csv(layer.slug)), text="channels as CSV"),
        ),
    )


def _strong(
    page: str, layer: Layer, health: LayerHealth, images: Sequence[ImageResult], channel: int
) -> tuple[Link, str]:
    result = images[health.loudest[channel]]
    target = paths.link(page, f"{paths.image_layer_page(result.image.slug, layer.slug)}.html")
    words = f"mean {number(health.mean[channel])}, most for {one_line(result.image.name)}"
    return Link(href=f"{target}#c{channel}", text=f"channel {channel}"), words


def model_health_view(
    page: str, layers: Sequence[Layer], healths: Sequence[LayerHealth], images: Sequence[ImageResult]
) -> ModelHealthView:
    """Return what the model's page says: the worst first, then all layers in order."""
    links = [link_to(page, paths.layer_page(layer.slug), layer.name) for layer in layers]
    warned = [
        (_badness(each), link, f": {'; '.join(found)}.")
        for link, each in zip(links, healths, strict=True)
        if (found := warnings(each))
    ]
    warned.sort(key=lambda each: each[0], reverse=True)
    ordered = tuple((link, words) for _, link, words in warned)
    return ModelHealthView(
        images=count(len(images), "image"),
        warnings=ordered[:SHORT],
        more=ordered[SHORT:],
        facts=_sum_up(layers, healths),
        rows=tuple(_row(*each) for each in zip(layers, links, healths, strict=True)),
        chart=_chart(page, paths.HEALTH_CHART, charts.DEPTH_HEIGHT, describe_depth(layers, healths)),
        csv=Link(href=paths.link(page, paths.HEALTH_CSV), text="numbers as CSV"),
    )


def _sum_up(layers: Sequence[Layer], healths: Sequence[LayerHealth]) -> tuple[tuple[str, str], ...]:
    """Return what all layers have together, and which stands out."""
    channels = sum(each.channels for each in healths)

    def largest_share(counts: Sequence[int]) -> str:
        place = max(range(len(counts)), key=lambda at: counts[at] / healths[at].channels)
        named = f"{sum(counts):,}, the largest share in {one_line(layers[place].name)}: "
        return named + _part(counts[place], healths[place]) if sum(counts) else "none"

    zeros, sizes = [each.sparsity for each in healths], [each.magnitude for each in healths]
    emptiest, smallest, largest = (
        f"in {one_line(layers[values.index(value)].name)}"
        for values, value in ((zeros, max(zeros)), (sizes, min(sizes)), (sizes, max(sizes)))
    )
    return (
        ("Channels", f"{channels:,} in {count(len(layers), 'layer')} with maps"),
        ("Dead", largest_share([int(each.dead.sum()) for each in healths])),
        ("NaN or infinite", largest_share([int(each.flawed.sum()) for each in healths])),
        ("Duplicates", largest_share([doubles(each) for each in healths])),
        ("Equal to zero", f"at most {max(zeros):.0%} of the values, {emptiest}"),
        ("Magnitude", f"from {number(min(sizes))} {smallest} to {number(max(sizes))} {largest}"),
    )


def _badness(health: LayerHealth) -> tuple[float, float, float]:
    return (
        health.flawed.mean(),
        health.dead.mean(),
        doubles(health) / health.channels,
    )


def _row(layer: Layer, link: Link, health: LayerHealth) -> HealthRow:
    low, high = _range(health)
    counts = (
        health.dead.sum(),
        health.constant.sum(),
        health.flawed.sum(),
        doubles(health),
    )
    cells = (
        HealthCell(value=health.channels, text=f"{health.channels:,}"),
        *(HealthCell(value=each / health.channels, text=f"{each:,}" if each else "–") for each in counts),
        HealthCell(value=health.sparsity, text=f"{health.sparsity:.0%}"),
        HealthCell(value=0 if np.isnan(low) else low, text=number(low)),
        HealthCell(value=0 if np.isnan(high) else high, text=number(high)),
        HealthCell(value=health.magnitude, text=number(health.magnitude)),
    )
    return HealthRow(
        index=layer.index,
        link=link,
        cells=cells,
        path=charts.spark_path(health),
        zero=charts.spark_zero(health),
    )


def describe_chart(name: str, health: LayerHealth) -> str:
    """Say what a layer's chart shows, from its numbers."""
    known = health.mean[~np.isnan(health.mean)]
    if not known.size:
        return f"Charts of {name}: no value is finite"
    peak = int(health.bins.argmax())
    edges = f"{number(health.edges[peak])} and {number(health.edges[peak + 1])}"
    others = f"; of the others most lie between {edges}" if health.bins.any() else ""
    return (
        f"Histogram of {count(health.values, 'value')} of {name}: {health.sparsity:.1%} equal zero"
        f"{others}. Means of {count(len(known), 'channel')} in order, from "
        f"{number(known.max())} to {number(known.min())}, half of them above {number(np.median(known))}; "
        f"{int(health.dead.sum()):,} dead"
    )


def describe_depth(layers: Sequence[Layer], healths: Sequence[LayerHealth]) -> str:
    """Say what the chart over all layers shows, from its numbers."""
    sizes = [each.magnitude for each in healths]
    dead, zero = (
        max(zip(values, layers, strict=True), key=lambda each: each[0])
        for values in ([each.dead.mean() for each in healths], [each.sparsity for each in healths])
    )
    return (
        f"Bars for {count(len(layers), 'layer')} in order of execution. Dead channels: "
        + (f"at most {dead[0]:.0%}, in {one_line(dead[1].name)}" if dead[0] else "none")
        + f". Values equal to zero: at most {zero[0]:.0%}, in {one_line(zero[1].name)}. "
        f"Magnitude: from {number(min(sizes))} to {number(max(sizes))}, {number(sizes[-1])} in the last layer"
    )


def _chart(page: str, path: str, height: int, alt: str) -> PictureView:
    return PictureView(src=paths.link(page, path), width=charts.WIDTH, height=height, alt=alt)


def _range(health: LayerHealth) -> tuple[float, float]:
    return float(np.fmin.reduce(health.minimum)), float(np.fmax.reduce(health.maximum))


def _share(channels: Collection[int], health: LayerHealth) -> str:
    if not len(channels):
        return "none"
    return f"{_part(len(channels), health)}: {_name(channels)}"


def _part(some: int, health: LayerHealth) -> str:
    return f"{some:,} of {count(health.channels, 'channel')} ({some / health.channels:.0%})"


def _name(channels: Collection[int]) -> str:
    rest = f" and {len(channels) - NAMED:,} more" if len(channels) > NAMED else ""
    return ", ".join(str(each) for each in list(channels)[:NAMED]) + rest


def health_files(layers: Sequence[Layer], healths: Sequence[LayerHealth]) -> dict[str, bytes]:
    """Return all charts and their numbers by path below the website's root."""
    files = {
        paths.HEALTH_CHART: charts.depth_chart(layers, healths),
        paths.HEALTH_CSV: charts.depth_csv(layers, healths),
    }
    for layer, each in zip(layers, healths, strict=True):
        files[paths.health_chart(layer.slug)] = charts.layer_chart(each)
        files[paths.distribution_csv(layer.slug)] = charts.distribution_csv(each)
        files[paths.channels_csv(layer.slug)] = charts.channels_csv(each)
    return files
