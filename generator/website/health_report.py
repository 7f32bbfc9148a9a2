"""What pages say of the health of layers: warnings, facts, links, charts and their words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from generator.analysis import health
from generator.core import paths
from generator.core.formatting import count, number, one_line
from generator.core.records import ImageResult, Layer, LayerHealth
from generator.render import charts
from generator.website import components

STRONGEST = 5  # channels that a layer's page names
NAMED = 12  # channels of a kind named one by one; the CSV file has all
SHORT = 8  # warnings shown at once on the model's page


@dataclass(frozen=True)
class LayerReport:
    """A layer's health on its page. `strongest` has links with what follows each of them."""

    images: str
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    strongest: tuple[tuple[components.Link, str], ...]
    dead: str
    chart: components.Shown
    csv: tuple[components.Link, ...]


@dataclass(frozen=True)
class Cell:
    """A number in a table: what it is sorted by, and how it is written."""

    value: float
    text: str


@dataclass(frozen=True)
class HealthRow:
    """A layer in the model's table. `path` is a tiny histogram for SVG, 96 × 24, `zero` where 0 is in it."""

    index: int
    link: components.Link
    cells: tuple[Cell, ...]
    path: str
    zero: int | None


@dataclass(frozen=True)
class ModelReport:
    """The health of all layers on the model's page; `more` are the warnings that are not among the worst."""

    images: str
    warnings: tuple[tuple[components.Link, str], ...]
    more: tuple[tuple[components.Link, str], ...]
    facts: tuple[tuple[str, str], ...]
    rows: tuple[HealthRow, ...]
    chart: components.Shown
    csv: components.Link


def report_layer(page: str, layer: Layer, found: LayerHealth, images: Sequence[ImageResult]) -> LayerReport:
    """Return what the layer's own page says."""
    low, high = _range(found)
    dead, constant, flawed = (np.flatnonzero(each) for each in (found.dead, found.constant, found.flawed))
    same = health.doubles(found)
    groups = "; ".join(" ≈ ".join(map(str, group[:NAMED])) for group in found.alike[:NAMED])
    facts = (
        ("Dead", _share(dead, found)),
        ("Constant", _share(constant, found)),
        ("NaN or infinite", _share(flawed, found)),
        ("Duplicates", f"{_part(same, found)}: {groups}" if same else "none"),
        ("Equal to zero", f"{found.sparsity:.1%} of all values"),
        ("Above zero", f"{found.above / max(1, found.values):.1%} of all values"),
        ("Range", f"{number(low)} … {number(high)}"),
    )
    title = one_line(layer.name)
    return LayerReport(
        images=count(found.images, "image"),
        warnings=tuple(health.warnings(found)),
        facts=facts,
        strongest=tuple(
            _strong(page, layer, found, images, each) for each in health.strongest(found, STRONGEST)
        ),
        dead=health.define_dead(found),
        chart=_chart(page, paths.health_chart(layer.slug), charts.LAYER_HEIGHT, describe_chart(title, found)),
        csv=(
            components.Link(paths.link(page, paths.distribution_csv(layer.slug)), "values as CSV"),
            components.Link(paths.link(page, paths.channels_csv(layer.slug)), "channels as CSV"),
        ),
    )


def _strong(
    page: str, layer: Layer, found: LayerHealth, images: Sequence[ImageResult], channel: int
) -> tuple[components.Link, str]:
    result = images[found.loudest[channel]]
    target = paths.link(page, f"{paths.image_layer_page(result.image.slug, layer.slug)}.html")
    said = f"mean {number(found.mean[channel])}, most for {one_line(result.image.name)}"
    return components.Link(f"{target}#c{channel}", f"channel {channel}"), said


def report_model(
    page: str, layers: Sequence[Layer], found: Sequence[LayerHealth], images: Sequence[ImageResult]
) -> ModelReport:
    """Return what the model's page says: the worst first, then all layers in order."""
    links = [components.link_to(page, paths.layer_page(layer.slug), layer.name) for layer in layers]
    warned = [
        (_badness(each), link, f": {'; '.join(said)}.")
        for link, each in zip(links, found, strict=True)
        if (said := health.warnings(each))
    ]
    warned.sort(key=lambda each: each[0], reverse=True)
    said = tuple((link, words) for _, link, words in warned)
    return ModelReport(
        images=count(len(images), "image"),
        warnings=said[:SHORT],
        more=said[SHORT:],
        facts=_sum_up(layers, found),
        rows=tuple(_row(*each) for each in zip(layers, links, found, strict=True)),
        chart=_chart(page, paths.HEALTH_CHART, charts.DEPTH_HEIGHT, describe_depth(layers, found)),
        csv=components.Link(paths.link(page, paths.HEALTH_CSV), "numbers as CSV"),
    )


def _sum_up(layers: Sequence[Layer], found: Sequence[LayerHealth]) -> tuple[tuple[str, str], ...]:
    """Return what all layers have together, and which stands out."""
    channels = sum(each.channels for each in found)

    def most(counts: Sequence[int]) -> str:
        place = max(range(len(counts)), key=lambda at: counts[at] / found[at].channels)
        named = f"{sum(counts):,}, the largest share in {one_line(layers[place].name)}: "
        return named + _part(counts[place], found[place]) if sum(counts) else "none"

    zeros, sizes = [each.sparsity for each in found], [each.magnitude for each in found]
    emptiest, smallest, largest = (
        f"in {one_line(layers[values.index(value)].name)}"
        for values, value in ((zeros, max(zeros)), (sizes, min(sizes)), (sizes, max(sizes)))
    )
    return (
        ("Channels", f"{channels:,} in {count(len(layers), 'layer')} with maps"),
        ("Dead", most([int(each.dead.sum()) for each in found])),
        ("NaN or infinite", most([int(each.flawed.sum()) for each in found])),
        ("Duplicates", most([health.doubles(each) for each in found])),
        ("Equal to zero", f"at most {max(zeros):.0%} of the values, {emptiest}"),
        ("Magnitude", f"from {number(min(sizes))} {smallest} to {number(max(sizes))} {largest}"),
    )


def _badness(found: LayerHealth) -> tuple[float, float, float]:
    return found.flawed.mean(), found.dead.mean(), health.doubles(found) / found.channels


def _row(layer: Layer, link: components.Link, found: LayerHealth) -> HealthRow:
    low, high = _range(found)
    counts = (found.dead.sum(), found.constant.sum(), found.flawed.sum(), health.doubles(found))
    cells = (
        Cell(found.channels, f"{found.channels:,}"),
        *(Cell(each / found.channels, f"{each:,}" if each else "–") for each in counts),
        Cell(found.sparsity, f"{found.sparsity:.0%}"),
        Cell(0 if np.isnan(low) else low, number(low)),
        Cell(0 if np.isnan(high) else high, number(high)),
        Cell(found.magnitude, number(found.magnitude)),
    )
    return HealthRow(layer.index, link, cells, charts.spark_path(found), charts.spark_zero(found))


def describe_chart(name: str, found: LayerHealth) -> str:
    """Say what a layer's chart shows, from its numbers."""
    known = found.mean[~np.isnan(found.mean)]
    if not known.size:
        return f"Charts of {name}: no value is finite"
    peak = int(found.bins.argmax())
    most = f"; of the others most lie between {number(found.edges[peak])} and {number(found.edges[peak + 1])}"
    return (
        f"Histogram of {count(found.values, 'value')} of {name}: {found.sparsity:.1%} equal zero"
        f"{most if found.bins.any() else ''}. Means of {count(len(known), 'channel')} in order, from "
        f"{number(known.max())} to {number(known.min())}, half of them above {number(np.median(known))}; "
        f"{int(found.dead.sum()):,} dead"
    )


def describe_depth(layers: Sequence[Layer], found: Sequence[LayerHealth]) -> str:
    """Say what the chart over all layers shows, from its numbers."""
    sizes = [each.magnitude for each in found]
    dead, zero = (
        max(zip(values, layers, strict=True), key=lambda each: each[0])
        for values in ([each.dead.mean() for each in found], [each.sparsity for each in found])
    )
    return (
        f"Bars for {count(len(layers), 'layer')} in order of execution. Dead channels: "
        + (f"at most {dead[0]:.0%}, in {one_line(dead[1].name)}" if dead[0] else "none")
        + f". Values equal to zero: at most {zero[0]:.0%}, in {one_line(zero[1].name)}. "
        f"Magnitude: from {number(min(sizes))} to {number(max(sizes))}, {number(sizes[-1])} in the last layer"
    )


def _chart(page: str, path: str, height: int, alt: str) -> components.Shown:
    return components.Shown(paths.link(page, path), charts.WIDTH, height, alt)


def _range(found: LayerHealth) -> tuple[float, float]:
    return float(np.fmin.reduce(found.minimum)), float(np.fmax.reduce(found.maximum))


def _share(channels: Collection[int], found: LayerHealth) -> str:
    if not len(channels):
        return "none"
    return f"{_part(len(channels), found)}: {_name(channels)}"


def _part(some: int, found: LayerHealth) -> str:
    return f"{some:,} of {count(found.channels, 'channel')} ({some / found.channels:.0%})"


def _name(channels: Collection[int]) -> str:
    rest = f" and {len(channels) - NAMED:,} more" if len(channels) > NAMED else ""
    return ", ".join(str(each) for each in list(channels)[:NAMED]) + rest


def health_files(layers: Sequence[Layer], found: Sequence[LayerHealth]) -> dict[str, bytes]:
    """Return all charts and their numbers by path below the website's root."""
    files = {
        paths.HEALTH_CHART: charts.depth_chart(layers, found),
        paths.HEALTH_CSV: charts.depth_csv(layers, found),
    }
    for layer, each in zip(layers, found, strict=True):
        files[paths.health_chart(layer.slug)] = charts.layer_chart(each)
        files[paths.distribution_csv(layer.slug)] = charts.distribution_csv(each)
        files[paths.channels_csv(layer.slug)] = charts.channels_csv(each)
    return files
