"""The parts of a page: pictures, players, rows, numbers and legends, with every word in them."""

import json
import math
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from markupsafe import Markup, escape

from generator.core import paths, plan
from generator.core.formatting import count, number, one_line, shape_in_words, size
from generator.core.records import (
    Animation,
    Download,
    FailedImage,
    ImageResult,
    Layer,
    LayerHealth,
    LayerResult,
    MapStatistics,
    ModelInfo,
    Picture,
    ShownImage,
)
from generator.render.encode import SPECIAL_COLOURS
from generator.render.raster import CONSTANT, LEVELS, MINUS_INFINITY, NOT_A_NUMBER, PLUS_INFINITY

CONSTANT_FLAG = "constant"


@dataclass(frozen=True)
class ScaleWords:
    """What is said of a scale: below a picture, next to the colour bar, and at the bar's ends."""

    caption: str
    rule: str
    low: str
    high: str


# "images" and "symmetric" are scales of the explorer only, where numbers take the place of the ends.
SCALES_IN_WORDS = {
    "channel": ScaleWords(
        "each channel from its minimum to its maximum",
        "Each channel is coloured from its own smallest to its own largest value, so compare shapes, "
        "not brightness, between channels.",
        "channel’s minimum",
        "channel’s maximum",
    ),
    "layer": ScaleWords(
        "all channels on one scale",
        "All channels of the layer share one scale, so brightness can be compared between them.",
        "layer’s minimum",
        "layer’s maximum",
    ),
    "zscore": ScaleWords(
        "each channel from its mean − 2 to its mean + 2 standard deviations",
        "Each channel is coloured from two standard deviations below its mean to two above; "
        "what lies outside gets the last colour.",
        "mean − 2 deviations",
        "mean + 2 deviations",
    ),
    "images": ScaleWords(
        "all channels and all images on one scale",
        "All channels and all images share one scale, so brightness can be compared everywhere.",
        "smallest of all images",
        "largest of all images",
    ),
    "symmetric": ScaleWords(
        "all channels and all images on one scale around zero",
        "All channels and all images share one scale around zero, which has the middle colour.",
        "as far below zero",
        "as far above zero",
    ),
}


@dataclass(frozen=True)
class Site:
    """All that pages are made from.

    `table` is the palette, `pixels` names the input's scaling, `scaling` says it in words, `health` is that
    of the layers with maps by slug, `guide` says whether the sources have a guide of their own to lead to.
    """

    plan: plan.Plan
    model: ModelInfo
    results: tuple[ImageResult, ...]
    scale: str
    colours: str
    table: np.ndarray
    pixels: str
    scaling: str
    health: Mapping[str, LayerHealth]
    guide: bool = False

    @property
    def title(self) -> str:
        """What the gallery is called."""
        return f"What {one_line(self.model.name)} sees"

    @cached_property
    def good(self) -> tuple[ShownImage, ...]:
        """The images that could be shown to the model."""
        return tuple(result for result in self.results if isinstance(result, ShownImage))

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each image among the good ones, from 0, by slug."""
        return {result.image.slug: place for place, result in enumerate(self.good)}

    def layer_page(self, layer: Layer, result: ImageResult) -> str:
        """Return the one of a layer's pages that shows this image."""
        number = self.places[result.image.slug] // plan.PER_PAGE + 1
        return paths.later_page(paths.layer_page(layer.slug), number)


@dataclass(frozen=True)
class Link:
    """A link's target relative to its page, and its text; `maps` where it leads to a layer with maps."""

    href: str
    text: str
    maps: bool = False


@dataclass(frozen=True)
class Shown:
    """A picture on a page. `href` is the page it leads to, `None` where it opens large instead.

    `explore` tells the explorer, as JSON, where a grid's values are and how they are laid out; `csv` is the
    file of what bars show.
    """

    src: str
    width: int
    height: int
    alt: str
    caption: str = ""
    href: str | None = None
    numbers: str = ""
    explore: str | None = None
    csv: str | None = None


@dataclass(frozen=True)
class Player:
    """An animation: its still, the GIF, what it shows, and what it leaves out."""

    still: Shown
    gif: str
    title: str
    facts: str
    left_out: str | None
    image: str


@dataclass(frozen=True)
class Offer:
    """A file of arrays to take along: its size, the type of its numbers, and a key to begin with."""

    link: Link
    size: str
    kind: str
    key: str


@dataclass(frozen=True)
class Column:
    """One image in a side-by-side table."""

    link: Link
    picture: Shown | None
    prediction: str
    error: str | None
    players: tuple[Player, ...]


@dataclass(frozen=True)
class LayerRow:
    """One layer in a list. `note` tells why it is not drawn or what it repeats."""

    layer: Layer
    kind: str
    shape: str
    link: Link | None
    note: str | None
    same: Link | None
    grids: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """A row of formatted numbers: of a channel, or of an image. `flag` names what is odd about it."""

    link: Link
    minimum: str
    maximum: str
    mean: str
    active: str
    flag: str


@dataclass(frozen=True)
class Legend:
    """How to read the colours: a CSS gradient, the words at its ends, the rule, and the special colours.

    `span` says between which numbers the values lie, where that is known.
    """

    gradient: str
    low: str
    high: str
    rule: str
    span: str
    special: tuple[tuple[str, str], ...]


def link_to(page: str, target: str, text: str = "") -> Link:
    """Return a link from a page to another, both named by their path below the website's root."""
    return Link(paths.link(page, f"{target}.html"), one_line(text))


def show(page: str, picture: Picture, alt: str, caption: str = "", href: str | None = None) -> Shown:
    """Return a picture on `page`; foreign text in `alt` stays on its line."""
    return Shown(paths.link(page, picture.path), picture.width, picture.height, one_line(alt), caption, href)


def describe_image(page: str, result: ImageResult) -> Column:
    """Return an image's column in a side-by-side table."""
    image = result.image
    link = link_to(page, paths.image_page(image.slug), image.name)
    if isinstance(result, FailedImage):
        return Column(link, None, "", result.error, ())
    alt = f"{image.name}, the test image; the model says {result.prediction.text}"
    picture = show(page, result.original, alt, href=link.href)
    return Column(link, picture, one_line(result.prediction.text), None, list_players(page, result))


def list_players(page: str, result: ImageResult) -> tuple[Player, ...]:
    """Return the players of an image's animations."""
    kinds = (
        ("Over the layers", "the grids of all layers", result.layers_gif),
        ("Over the channels", "single channels of the convolutions", result.channels_gif),
    )
    name = result.image.name
    return tuple(
        make_player(page, result, title, f"First frame of the animation of {shows} for {name}", animation)
        for title, shows, animation in kinds
        if animation
    )


def make_player(page: str, result: ImageResult, title: str, alt: str, animation: Animation) -> Player:
    """Return the player of an animation, whose still is described by `alt`."""
    facts = f"{count(animation.frames, 'frame')}, {size(animation.bytes)}"
    gif = paths.link(page, animation.gif.path)
    still = show(page, animation.still, alt)
    return Player(still, gif, title, facts, animation.left_out, result.image.name)


def offer_arrays(page: str, layer: Layer, arrays: Download) -> Offer:
    """Offer an image's activations; `layer` is the one that the example reads."""
    link = Link(paths.link(page, arrays.path), posixpath.basename(arrays.path))
    return Offer(link, size(arrays.bytes), arrays.kind, layer.slug)


def describe_layer(
    site: Site,
    page: str,
    layer: Layer,
    results: Sequence[ImageResult],
    small: bool = False,
    own: bool = False,
) -> LayerRow:
    """Describe a layer in a list on `page`, with its grids, or `small` ones, for `results`.

    It leads to the layer's page, or to its `own` one for the only image.
    """
    link = None
    if layer.reason is None:
        target = site.layer_page(layer, results[0]) if results else paths.layer_page(layer.slug)
        if own and layer.is_map:
            target = paths.image_layer_page(results[0].image.slug, layer.slug)
        link = link_to(page, target, layer.name)
    same = None
    repeated = next((each for each in site.plan.layers if each.slug == layer.same_as), None)
    if repeated and repeated.reason is None:
        same = link_to(page, paths.layer_page(repeated.slug), f"{repeated.index} {repeated.name}")
    shown = [result for result in results if layer.slug in result.layers]
    grids = tuple(_grid(site, page, result, layer, small) for result in shown)
    return LayerRow(layer, kind_of(layer), shape_of(layer), link, layer.reason, same, grids)


def _grid(site: Site, page: str, result: ImageResult, layer: Layer, small: bool) -> Shown:
    href = None
    if layer.is_map:
        href = paths.link(page, f"{paths.image_layer_page(result.image.slug, layer.slug)}.html")
    caption = f"{one_line(result.image.name)}: {say_scaling(site, result, layer)}"
    drawn = result.layers[layer.slug]
    shown = show(page, drawn.small if small else drawn.grid, describe_grid(result, layer), caption, href)
    span = _span(*_extremes(result.layers[layer.slug].numbers.statistics))
    csv = None if layer.is_map else paths.link(page, paths.values_csv(result.image.slug, layer.slug))
    return replace(shown, numbers=span, explore=explore(site, result, layer), csv=csv)


def show_grid(site: Site, page: str, result: ImageResult, layer: Layer) -> Shown:
    """Return a grid on its own page, where it leads nowhere else."""
    words = describe_grid(result, layer), say_scaling(site, result, layer)
    shown = show(page, result.layers[layer.slug].grid, *words)
    return replace(shown, explore=explore(site, result, layer))


def explore(site: Site, result: ImageResult, layer: Layer) -> str | None:
    """Return what the explorer must know of a grid, as JSON, paths below the website's root."""
    if not layer.is_map:
        return None
    drawn, image = result.layers[layer.slug], result.image.slug
    page = paths.image_layer_page(image, layer.slug)
    facts = {
        "layer": one_line(layer.name),
        "image": one_line(result.image.name),
        "slug": image,
        "page": f"{page}.html",
        "layerPage": f"{site.layer_page(layer, result)}.html",
        "maps": paths.maps_script(image, layer.slug),
        "ranges": paths.ranges_script(layer.slug),
        "colours": paths.COLOURS,
        "scale": _scale(site, layer),
        "columns": drawn.columns,
        "factor": drawn.enlarged,
        "seen": result.seen.path,
        "fed": result.fed[:2],
        "receptive": vars(layer.receptive) if layer.receptive else None,
    }
    return json.dumps(facts)


def say_scaling(site: Site, result: ImageResult, layer: Layer) -> str:
    """Say in a caption how a grid is coloured, with its numbers."""
    span = _span(*_extremes(result.layers[layer.slug].numbers.statistics))
    if not layer.is_map:
        return f"bars from zero; values {span}"
    return f"{SCALES_IN_WORDS[_scale(site, layer)].caption}; values {span}"


def _scale(site: Site, layer: Layer) -> str:
    return "layer" if layer.shape[:2] == (1, 1) or layer.is_sequence else site.scale


def describe_grid(result: ImageResult, layer: Layer) -> str:
    """Say what a grid shows, from its numbers, for those who do not see it."""
    statistics = result.layers[layer.slug].numbers.statistics
    low, high = _extremes(statistics)
    if not layer.is_map:
        return (
            f"Bars of {count(layer.shape[0], 'value')} of {layer.name} for {result.image.name}: "
            f"values from {number(low)} to {number(high)}"
        )
    constant = int(constant_channels(layer, result.layers[layer.slug]).sum())
    return (
        f"Grid of {count(layer.channels, 'feature map')} of {layer.name} for {result.image.name}: "
        f"values from {number(low)} to {number(high)}, {_mean(statistics.active):.0%} above zero"
        + (f", {count(constant, 'constant channel')}" if constant else "")
    )


def constant_channels(layer: Layer, drawn: LayerResult) -> np.ndarray:
    """Return which channels are constant, bool (channels,); one of a single value is not called so."""
    return drawn.numbers.statistics.constant & (layer.is_map and layer.shape[:2] != (1, 1))


def kind_of(layer: Layer) -> str:
    """Return a layer's kind with the activation that it applies to its own result."""
    fused = layer.activation not in (None, "linear") and layer.family != "activation"
    return f"{layer.kind} + {layer.activation}" if fused else layer.kind


def shape_of(layer: Layer) -> str:
    """Return an output's shape for people."""
    return shape_in_words(layer.shape)


def summarize_image(page: str, result: ImageResult, layer: Layer) -> Numbers:
    """Return the numbers of one layer for one image."""
    statistics = result.layers[layer.slug].numbers.statistics
    low, high = _extremes(statistics)
    slug = result.image.slug
    target = paths.image_layer_page(slug, layer.slug) if layer.is_map else paths.image_page(slug)
    link = link_to(page, target, result.image.name)
    flags = _flags(constant_channels(layer, result.layers[layer.slug]), statistics.flawed)
    active = f"{_mean(statistics.active):.0%}"
    return Numbers(link, number(low), number(high), number(_mean(statistics.mean)), active, flags)


def whole_width(grid: Picture) -> int:
    """Return the width in CSS pixels at which a small grid is shown: a whole multiple, about 500 wide."""
    return grid.width * max(1, min(520 // grid.width, 520 // grid.height))


def show_channels(page: str, result: ImageResult, layer: Layer) -> dict[int, Shown]:
    """Return the pictures of single channels with their numbers, by channel, none where none are drawn."""
    drawn = result.layers[layer.slug]
    rows = _channel_numbers(layer, drawn) if drawn.singles else []
    shown = {}
    for channel in drawn.singles:
        row = rows[channel]
        caption = _span(*drawn.ranges[channel])
        if row.flag == CONSTANT_FLAG:
            caption = f"{row.flag} {row.minimum}"
        elif row.flag:
            caption = f"{caption}, {row.flag}"
        alt = (
            f"Channel {channel} of {layer.name} for {result.image.name}: values from {row.minimum} to "
            f"{row.maximum}, {row.active} above zero{', ' + row.flag if row.flag else ''}"
        )
        shown[channel] = show(page, drawn.single(channel), alt, caption)
    return shown


def _channel_numbers(layer: Layer, drawn: LayerResult) -> list[Numbers]:
    statistics, constant = drawn.numbers.statistics, constant_channels(layer, drawn)
    rows = []
    for channel, active in enumerate(statistics.active):
        flawed = "NaN or infinite values" if statistics.flawed[channel] else ""
        row = Numbers(
            Link(f"#c{channel}", str(channel)),
            number(statistics.minimum[channel]),
            number(statistics.maximum[channel]),
            number(statistics.mean[channel]),
            "–" if math.isnan(active) else f"{active:.0%}",
            CONSTANT_FLAG if constant[channel] else flawed,  # a flawed channel is never called constant
        )
        rows.append(row)
    return rows


def list_numbers(layer: Layer, drawn: LayerResult) -> Markup:
    """Return the numbers of all channels as aligned text, escaped.

    As a table it would be most of the page's elements, and cost most of MkDocs' time.
    """
    rows = [("channel", "minimum", "maximum", "mean", "above zero", "")]
    rows += [
        (row.link.text, row.minimum, row.maximum, row.mean, row.active, row.flag)
        for row in _channel_numbers(layer, drawn)
    ]
    lines = ("".join(f"{cell:>11}" for cell in row[:5]) + f"   {row[5]}" for row in rows)
    return escape("\n".join(line.rstrip() for line in lines))


def say_receptive(layer: Layer) -> str:
    """Say how much of the picture, as the model sees it, one value of a layer depends on."""
    field = layer.receptive
    if field is None:
        return "How much of the input each value sees is unknown."
    if field.whole:
        return "Each value sees the whole picture."
    return f"Each value sees {shape_in_words(field.size)} pixels of the input."


def say_missing(model: ModelInfo) -> list[str]:
    """Say which layers there is nothing to show of, and why; layers with one reason share a sentence."""
    names: dict[str, list[str]] = {}
    for layer in model.layers:
        if layer.missing and not layer.shape:
            names.setdefault(layer.missing, []).append(one_line(layer.name))
    return [f"not drawn: {_some(each)} ({one_line(why)})" for why, each in names.items()]


def say_zeros(model: ModelInfo) -> list[str]:
    """Say which inputs get zeros for want of anything better."""
    return [
        f"input {one_line(each.name)} gets {each.fed}"
        for each in model.inputs
        if each.fed.startswith("zeros")
    ]


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def say_failed(result: ImageResult, layer: Layer | None = None) -> str | None:
    """Say that a check failed, for an image or one of its layers, `None` where all is well."""
    failed = result.check.failed if result.check else ()
    if layer:
        failed = [each for each in failed if each == layer.name]
    if not failed:
        return None
    return (
        f"These pictures may be wrong: for {one_line(result.image.name)}, {_some(failed)} came out "
        "differently when the model ran without being watched."
    )


def say_verified(site: Site) -> str:
    """Say what was compared with the unwatched model, and the largest difference."""
    checks = [result.check for result in site.good if result.check]
    if not checks:
        return "not checked"
    failed = [each for check in checks for each in check.failed]
    random = sorted({each for check in checks for each in check.random})
    words = (
        f"the output of {count(len(checks), 'image')} equals that of a second, unwatched run, "
        f"largest difference {number(max(check.output for check in checks))}"
    )
    layers = [apart for check in checks for apart in check.layers.values()]
    if layers:
        words += (
            f"; {count(len(checks[0].layers), 'layer')} computed again for each, "
            f"largest difference {number(max(layers))}"
        )
    words += f"; gives another result each time: {_some(random)}" if random else ""
    return f"FAILED for {_some(failed)}; {words}" if failed else words


def _flags(constant: np.ndarray, flawed: np.ndarray) -> str:
    flags = []
    if constant.any():
        flags.append(count(int(constant.sum()), "constant channel"))
    if flawed.any():
        flags.append(f"NaN or infinite values in {count(int((flawed > 0).sum()), 'channel')}")
    return ", ".join(flags)


def _extremes(statistics: MapStatistics) -> tuple[float, float]:
    known = ~np.isnan(statistics.minimum)
    if not known.any():
        return math.nan, math.nan
    return statistics.minimum[known].min(), statistics.maximum[known].max()


def _span(low: float, high: float) -> str:
    return f"{number(low)} … {number(high)}"


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0


def explain_colours(site: Site, layer: Layer | None, drawn: Sequence[LayerResult]) -> Legend:
    """Say how colours are to be read, with the layer's numbers where there is one."""
    scale = _scale(site, layer) if layer else site.scale
    words = SCALES_IN_WORDS[scale]
    low, high = words.low, words.high
    if scale == "layer" and len(drawn) == 1:
        low, high = (number(value) for value in drawn[0].ranges[0])
    span = ""
    if drawn:
        extremes = [_extremes(each.numbers.statistics) for each in drawn]
        smallest = np.fmin.reduce([low for low, _ in extremes])  # an image may have nothing finite
        largest = np.fmax.reduce([high for _, high in extremes])
        span = f"Values here lie between {number(smallest)} and {number(largest)}."
    stops = (site.table[index * (LEVELS - 1) // 12] for index in range(13))
    gradient = write_gradient(stops)
    names = {
        CONSTANT: "constant channel",
        NOT_A_NUMBER: "NaN",
        PLUS_INFINITY: "+∞",
        MINUS_INFINITY: "−∞",
    }
    flawed = any(each.numbers.statistics.flawed.any() for each in drawn)
    constant = any(constant_channels(layer, each).any() for each in drawn)
    wanted = ([CONSTANT] if constant else []) + (
        [NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY] if flawed else []
    )
    special = tuple((_css(SPECIAL_COLOURS[index]), names[index]) for index in wanted)
    return Legend(gradient, low, high, words.rule, span, special)


def write_gradient(colours: Iterable[Sequence[int]]) -> str:
    """Return the stops of a CSS gradient."""
    return ", ".join(_css(colour) for colour in colours)


def _css(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*map(int, colour))
