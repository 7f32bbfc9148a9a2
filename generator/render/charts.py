"""Charts as SVG by matplotlib, and the numbers in them as CSV. The same numbers give the same bytes.

Importing matplotlib takes half a second, so that is done where something is drawn.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.analysis.health import figures
from generator.core.formatting import number, one_line
from generator.core.records import Layer, LayerHealth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

WIDTH = 480  # CSS pixels; the text is meant to be read at this size
LAYER_HEIGHT, DEPTH_HEIGHT = 310, 390
FLAGS = ("dead", "constant", "flawed", "duplicates")
SPARK_WIDTH, SPARK_HEIGHT = 96, 24
# Dark ink on nothing. The style sheet inverts charts where the page is dark, which keeps the hues.
INK, QUIET, FILL = "#1b1f24", "#6b7280", "#00796b"
STYLE = {
    "svg.hashsalt": "activation-gallery",
    "svg.fonttype": "none",  # text stays text: sharp, small, and read out
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # not to be looked for, which takes time
    "hatch.linewidth": 1.2,
}


def layer_chart(health: LayerHealth) -> bytes:
    """Draw a layer's values as a histogram, and the mean response of its channels in order."""
    from matplotlib import style

    with style.context(["default", STYLE]):  # whatever the user's matplotlibrc says
        figure = _figure(LAYER_HEIGHT)
        upper, lower = figure.subplots(2, 1, gridspec_kw={"height_ratios": (1.25, 1)})
        _draw_distribution(upper, health)
        _draw_channels(lower, health)
        return _svg(figure)


def _draw_distribution(axes: "Axes", health: LayerHealth) -> None:
    """Draw shares of values on a logarithmic scale; what equals zero is a bar of its own, and hatched."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    shares = health.bins / max(1, health.values)
    counted = health.bins >= 0.5  # counts that were shared out can be next to nothing
    least = min([*shares[counted], health.sparsity or 1])
    bottom = 10 ** np.floor(np.log10(least * 0.999))
    axes.set_yscale("log")
    axes.set_ylim(bottom, 1)
    axes.stairs(np.maximum(shares, bottom), health.edges, baseline=bottom, fill=True, color=FILL)
    low, high = min(health.edges[0], 0), max(health.edges[-1], 0)
    if health.zeros:
        width = (high - low) / 40
        style = {"facecolor": "white", "edgecolor": INK, "hatch": "////", "linewidth": 1.2}
        axes.bar(0, health.sparsity - bottom, width, bottom, **style)
    if health.zeros or health.edges[0] < 0 < health.edges[-1]:
        axes.axvline(0, color=INK, linewidth=1)
    note = f", hatched: {health.sparsity:.1%} equal zero" if health.zeros else ""
    axes.set_title(f"Share of values{note}")
    axes.margins(x=0)
    _write_scales(axes, MaxNLocator(6), LogLocator(numticks=4), percent)


def _draw_channels(axes: "Axes", health: LayerHealth) -> None:
    """Draw the channels' means from the highest to the lowest; a cross marks a dead one."""
    from matplotlib.ticker import MaxNLocator

    known = np.flatnonzero(~np.isnan(health.mean))
    order = known[np.argsort(-health.mean[known], kind="stable")]
    axes.stairs(health.mean[order], np.arange(len(order) + 1), baseline=0, fill=True, color=FILL)
    axes.axhline(0, color=QUIET, linewidth=0.8)
    dead = np.flatnonzero(health.dead[order])
    note = ""
    if dead.size:
        axes.plot(dead + 0.5, health.mean[order][dead], "x", color=INK, markersize=5, clip_on=False)
        note = ", × dead"
    axes.set_xlim(0, max(1, len(order)))
    axes.set_title(f"Mean of each channel, highest first{note}")
    _write_scales(axes, MaxNLocator(6, integer=True), MaxNLocator(3), number)


def depth_chart(layers: Sequence[Layer], healths: Sequence[LayerHealth]) -> bytes:
    """Draw the share of dead channels, that of zeros, and the magnitude over all layers, by their index."""
    from matplotlib import style
    from matplotlib.ticker import MaxNLocator

    index = [layer.index for layer in layers]
    with style.context(["default", STYLE]):  # whatever the user's matplotlibrc says
        figure = _figure(DEPTH_HEIGHT)
        dead = [each.dead.mean() for each in healths]
        zero = [each.sparsity for each in healths]
        size = [each.magnitude for each in healths]
        rows = (
            ("Dead channels" if any(dead) else "Dead channels: none", dead, max(0.1, *dead) * 1.05, percent),
            ("Values equal to zero", zero, 1.05, percent),
            ("Magnitude (root mean square), by number of the layer", size, max(size) * 1.05 or 1, number),
        )
        for axes, (title, values, top, write) in zip(figure.subplots(3, 1), rows, strict=True):
            axes.bar(index, values, 0.8, color=FILL)
            axes.set_title(title)
            axes.set_xlim(min(index) - 0.6, max(index) + 0.6)
            axes.set_ylim(0, top)
            _write_scales(axes, MaxNLocator(10, integer=True, min_n_ticks=1), MaxNLocator(3), write)
        return _svg(figure)


def percent(share: float) -> str:
    """Return a share for a scale: "0.01%"."""
    return f"{share * 100:.3g}%"


def _figure(height: int) -> "Figure":
    from matplotlib.figure import Figure

    # Fixed margins: to measure all texts first, for a tighter layout, takes four times as long.
    figure = Figure((WIDTH / 96, height / 96), dpi=96)
    figure.subplots_adjust(0.16, 30 / height, 0.98, 1 - 26 / height, hspace=0.6)
    return figure


def _write_scales(axes: "Axes", across: "Locator", up: "Locator", write: Callable[[float], str]) -> None:
    """Write numbers along both sides and draw lines across, in half the time of matplotlib's own ticks."""
    for axis, locator in ((axes.xaxis, across), (axes.yaxis, up)):
        axis.set_major_locator(locator)
        axis.set_visible(False)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    aside, below = axes.get_yaxis_transform(), axes.get_xaxis_transform()
    heights = [each for each in axes.yaxis.get_majorticklocs() if bottom <= each <= top]
    for each in heights:
        axes.text(-0.02, each, write(each), ha="right", va="center_baseline", transform=aside)
    for each in axes.xaxis.get_majorticklocs():
        if left <= each <= right:
            axes.text(each, -0.06, number(each), ha="center", va="top", transform=below)
    axes.hlines(heights, 0, 1, QUIET, linewidth=0.8, alpha=0.3, zorder=0.5, transform=aside)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _svg(figure: "Figure") -> bytes:
    """Return a figure as SVG without a date, a program or a document type, in the reader's own font."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace("'DejaVu Sans', sans-serif", "Helvetica, Arial, sans-serif")
    return drawn.encode()


def spark_path(health: LayerHealth) -> str:
    """Return a tiny histogram as the data of an SVG path; heights are square roots.

    It fills a box of `SPARK_WIDTH` × `SPARK_HEIGHT`.
    """
    tops = np.sqrt(health.bins / max(health.bins.max(), 1))
    heights = np.ceil(tops * SPARK_HEIGHT).astype(int)
    step = SPARK_WIDTH // len(heights)
    return (
        f"M0 {SPARK_HEIGHT}"
        + "".join(f"V{SPARK_HEIGHT - each}h{step}" for each in heights)
        + f"V{SPARK_HEIGHT}z"
    )


def spark_zero(health: LayerHealth) -> int | None:
    """Return where zero is in the tiny histogram, `None` where it lies more than a bin outside."""
    low, high = health.edges[0], health.edges[-1]
    place = -low / (high - low)
    bin_width = 1 / len(health.bins)
    return round(min(max(place, 0), 1) * SPARK_WIDTH) if -bin_width <= place <= 1 + bin_width else None


def channels_csv(health: LayerHealth) -> bytes:
    """Return the numbers of every channel."""
    groups = {channel: place for place, group in enumerate(health.alike, 1) for channel in group}
    head = ("channel", "minimum", "maximum", "mean", "above_zero", "zero", *FLAGS)
    columns = (
        np.arange(health.channels),
        *(health.minimum, health.maximum, health.mean, health.active, health.zero),
        *(each.astype(int) for each in (health.dead, health.constant, health.flawed)),
    )
    numbers = zip(*(each.tolist() for each in columns), strict=True)
    rows = ((*row, groups.get(row[0], "")) for row in numbers)
    return table(head, rows)


def distribution_csv(health: LayerHealth) -> bytes:
    """Return how many values lie between which edges; zeros have a row of their own, from 0 to 0."""
    edges = health.edges.tolist()
    rows = list(zip(edges[:-1], edges[1:], health.bins.tolist(), strict=True))
    return table(("from", "to", "values"), [*rows, (0, 0, health.zeros)])


def depth_csv(layers: Sequence[Layer], healths: Sequence[LayerHealth]) -> bytes:
    """Return one row of numbers a layer."""
    rows = [
        {"index": layer.index, "layer": layer.name, **figures(health)}
        for layer, health in zip(layers, healths, strict=True)
    ]
    return table(tuple(rows[0]), [row.values() for row in rows])


def table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return CSV, UTF-8. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        line = one_line(value)
        return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
    return "" if value is None or math.isnan(value) else value
