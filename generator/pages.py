"""The pages: what a template may use, and how a page becomes front matter and HTML.

MkDocs puts front-matter titles and descriptions into every page as they are, so they are escaped here.
"""

import html
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import yaml
from markupsafe import Markup, escape

from generator import plan
from generator.data import Animation, ImageResult, Layer, LayerResult, ModelInfo, Picture
from generator.encode import SPECIAL_COLOURS
from generator.raster import CONSTANT, LEVELS, MINUS_INFINITY, NOT_A_NUMBER, PLUS_INFINITY
from generator.text import count, number, one_line, size

COLUMNS = 4  # images side by side in one table
NEARBY = 4  # images before and after that a page links to, so that pages do not grow with the gallery
GENERATED = "activation-gallery"  # in the front matter of every page of ours


@dataclass(frozen=True)
class Site:
    """All that pages are made from. `table` is the palette, `pixels` the input's scaling in words."""

    plan: plan.Plan
    model: ModelInfo
    results: tuple[ImageResult, ...]
    scale: str
    colours: str
    table: np.ndarray
    pixels: str

    @property
    def good(self) -> tuple[ImageResult, ...]:
        """The images that could be shown to the model."""
        return tuple(result for result in self.results if not result.image.error)


@dataclass(frozen=True)
class Link:
    """A link's target relative to its page, and its text."""

    href: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A picture on a page. `href` is the page it leads to, `None` where it opens large instead."""

    src: str
    width: int
    height: int
    alt: str
    caption: str = ""
    href: str | None = None
    numbers: str = ""


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
    """How to read the colours: a CSS gradient, the words at its ends, the rule, and the special colours."""

    gradient: str
    low: str
    high: str
    rule: str
    special: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: where it lies, its template, and what every template uses."""

    path: str
    template: str
    title: str
    description: str
    crumbs: tuple[Link, ...] = ()
    previous: Link | None = None
    following: Link | None = None
    boost: int = 1  # weight in search
    content: dict[str, Any]


def all_pages(site: Site) -> Iterator[Page]:
    """Yield every page of the website."""
    yield _index(site)
    yield _images(site)
    yield _layers(site)
    yield _compare(site)
    yield _model(site)
    for position, result in enumerate(site.results):
        yield _image(site, position, result)
    for position, layer in enumerate(site.plan.drawn):
        yield _layer(site, position, layer)
        for result in site.good:
            yield _image_layer(site, position, layer, result)


def environment(folders: Sequence[Path]) -> jinja2.Environment:
    """Return the Jinja environment: a missing value is an error, text is escaped and stays on its line."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(page: Page, templates: jinja2.Environment) -> bytes:
    """Return a page's Markdown source: YAML front matter, then one block of HTML."""
    front = {
        "title": html.escape(one_line(page.title)),
        "description": html.escape(one_line(page.description)),
        "hide": ["navigation", "toc"],
        "search": {"boost": page.boost},
        "generated_by": GENERATED,
    }
    body = templates.get_template(page.template).render(page=page, **page.content)
    # Markdown ends a block of HTML nowhere but at its closing tag; blank lines only cost bytes.
    body = re.sub(r"\n\s*\n+", "\n", body.strip())
    matter = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{matter}---\n\n{body}\n".encode()


def _to(page: str, target: str, text: str = "") -> Link:
    return Link(plan.link(page, f"{target}.html"), one_line(text))


def _shown(page: str, picture: Picture, alt: str, caption: str = "", href: str | None = None) -> Shown:
    return Shown(plan.link(page, picture.path), picture.width, picture.height, one_line(alt), caption, href)


def _index(site: Site) -> Page:
    model = site.model
    columns = [_column(plan.INDEX, result) for result in site.results]
    tables = [columns[start : start + COLUMNS] for start in range(0, len(columns), COLUMNS)]
    facts = (
        f"{'×'.join(map(str, model.input_shape))} input, {count(len(site.plan.layers), 'layer')}, "
        f"{len(site.plan.drawn):,} drawn, {count(model.parameters, 'parameter')}"
    )
    return Page(
        path=plan.INDEX,
        template="index.html.j2",
        title=f"What {one_line(model.name)} sees",
        description=f"What each layer of {model.name} makes of {count(len(site.results), 'image')}.",
        content={
            "model": one_line(model.name),
            "facts": facts,
            "tables": tables,
            "legend": _legend(site, None, ()),
            "sections": (
                _to(plan.INDEX, plan.IMAGES, "Images"),
                _to(plan.INDEX, plan.LAYERS, "Layers"),
                _to(plan.INDEX, plan.COMPARE, "Compare"),
                _to(plan.INDEX, plan.MODEL, "Model"),
            ),
        },
    )


def _images(site: Site) -> Page:
    return Page(
        path=plan.IMAGES,
        template="images.html.j2",
        title="Images",
        description=f"{count(len(site.results), 'test image')} and what the model says of them.",
        crumbs=(_to(plan.IMAGES, plan.INDEX, "Home"),),
        content={"columns": [_column(plan.IMAGES, result) for result in site.results]},
    )


def _column(page: str, result: ImageResult) -> Column:
    image = result.image
    link = _to(page, plan.image_page(image.slug), image.name)
    if image.error:
        return Column(link, None, "", image.error, ())
    alt = f"{image.name}, the test image; the model says {result.prediction.text}"
    picture = _shown(page, result.original, alt, href=link.href)
    return Column(link, picture, one_line(result.prediction.text), None, _players(page, result))


def _players(page: str, result: ImageResult) -> tuple[Player, ...]:
    kinds = (
        ("Over the layers", "the grids of all layers", result.layers_gif),
        ("Over the channels", "single channels of the convolutions", result.channels_gif),
    )
    return tuple(
        _player(page, result, title, shows, animation) for title, shows, animation in kinds if animation
    )


def _player(page: str, result: ImageResult, title: str, shows: str, animation: Animation) -> Player:
    alt = f"First frame of the animation of {shows} for {result.image.name}"
    facts = f"{count(animation.frames, 'frame')}, {size(animation.bytes)}"
    gif = plan.link(page, animation.gif.path)
    still = _shown(page, animation.still, alt)
    return Player(still, gif, title, facts, animation.left_out, result.image.name)


def _image(site: Site, position: int, result: ImageResult) -> Page:
    image = result.image
    path = plan.image_page(image.slug)
    around = site.results[position - 1] if position else None, *site.results[position + 1 : position + 2]
    content: dict[str, Any] = {"error": image.error}
    if not image.error:
        width, height = result.size
        model_size = "×".join(map(str, site.model.input_shape))
        content |= {
            "prediction": result.prediction,
            "original": _shown(
                path, result.original, f"{image.name} as given", f"As given: {width}×{height}"
            ),
            "seen": _shown(
                path,
                result.seen,
                f"{image.name} as the model sees it",
                f"As the model sees it: {model_size}, pixel values {site.pixels}",
            ),
            "players": _players(path, result),
            "rows": [_row(site, path, layer, (result,)) for layer in site.plan.layers],
        }
    return Page(
        path=path,
        template="image.html.j2",
        title=image.name,
        description=f"What each layer of {site.model.name} makes of {image.name}.",
        crumbs=(_to(path, plan.INDEX, "Home"), _to(path, plan.IMAGES, "Images")),
        previous=around[0] and _to(path, plan.image_page(around[0].image.slug), around[0].image.name),
        following=next(
            (_to(path, plan.image_page(each.image.slug), each.image.name) for each in around[1:]), None
        ),
        content=content,
    )


def _row(site: Site, page: str, layer: Layer, results: Sequence[ImageResult]) -> LayerRow:
    """Describe a layer in a list on `page`, with its grids for `results`."""
    link = None
    if layer.reason is None:
        one = results[0] if len(results) == 1 else None
        target = plan.image_layer_page(one.image.slug, layer.slug) if one else plan.layer_page(layer.slug)
        link = _to(page, target, layer.name)
    same = None
    repeated = next((each for each in site.plan.layers if each.slug == layer.same_as), None)
    if repeated and repeated.reason is None:
        same = _to(page, plan.layer_page(repeated.slug), f"{repeated.index} {repeated.name}")
    grids = tuple(_grid(site, page, result, layer) for result in results if layer.slug in result.layers)
    return LayerRow(layer, kind_of(layer), shape_of(layer), link, layer.reason, same, grids)


def _grid(site: Site, page: str, result: ImageResult, layer: Layer) -> Shown:
    href = plan.link(page, f"{plan.image_layer_page(result.image.slug, layer.slug)}.html")
    statistics = result.layers[layer.slug].statistics
    low, high = _extremes(statistics.minimum, statistics.maximum)
    caption = f"{one_line(result.image.name)}: {_scaling(site, result, layer)}"
    shown = _shown(page, result.layers[layer.slug].grid, _grid_alt(result, layer), caption, href)
    return replace(shown, numbers=f"{number(low)} … {number(high)}")


def _scaling(site: Site, result: ImageResult, layer: Layer) -> str:
    """Say in a caption how a grid is coloured, with its numbers."""
    statistics = result.layers[layer.slug].statistics
    low, high = _extremes(statistics.minimum, statistics.maximum)
    return f"{CAPTIONS[_scale(site, layer)]}; values {number(low)} … {number(high)}"


def _scale(site: Site, layer: Layer) -> str:
    return "layer" if layer.shape[:2] == (1, 1) else site.scale


def _grid_alt(result: ImageResult, layer: Layer) -> str:
    statistics = result.layers[layer.slug].statistics
    low, high = _extremes(statistics.minimum, statistics.maximum)
    constant = int(_constant(layer, result.layers[layer.slug]).sum())
    return (
        f"Grid of {count(layer.channels, 'feature map')} of {layer.name} for {result.image.name}: "
        f"values from {number(low)} to {number(high)}, {_mean(statistics.active):.0%} above zero"
        + (f", {count(constant, 'constant channel')}" if constant else "")
    )


def _constant(layer: Layer, drawn: LayerResult) -> np.ndarray:
    """Return which channels are constant, bool (channels,); a map of a single value is not called so."""
    return drawn.statistics.constant & (layer.shape[:2] != (1, 1))


def kind_of(layer: Layer) -> str:
    """Return a layer's kind with the activation that it applies to its own result."""
    fused = layer.activation not in (None, "linear") and layer.family != "activation"
    return f"{layer.kind} + {layer.activation}" if fused else layer.kind


def shape_of(layer: Layer) -> str:
    """Return an output's shape for people."""
    return "×".join(map(str, layer.shape)) or "1"


def _layers(site: Site) -> Page:
    return Page(
        path=plan.LAYERS,
        template="layers.html.j2",
        title="Layers",
        description=f"{count(len(site.plan.layers), 'layer')} of {site.model.name} in order of execution.",
        crumbs=(_to(plan.LAYERS, plan.INDEX, "Home"),),
        content={"rows": [_row(site, plan.LAYERS, layer, ()) for layer in site.plan.layers]},
    )


def _neighbours(site: Site, page: str, position: int, image: str | None) -> tuple[Link | None, Link | None]:
    """Return links to the drawn layers before and after the one at `position`, for one image or for all."""

    def to(index: int) -> Link | None:
        if not 0 <= index < len(site.plan.drawn):
            return None
        layer = site.plan.drawn[index]
        target = plan.image_layer_page(image, layer.slug) if image else plan.layer_page(layer.slug)
        return _to(page, target, f"{layer.index} {layer.name}")

    return to(position - 1), to(position + 1)


def _layer(site: Site, position: int, layer: Layer) -> Page:
    path = plan.layer_page(layer.slug)
    previous, following = _neighbours(site, path, position, None)
    drawn = [result.layers[layer.slug] for result in site.good]
    return Page(
        path=path,
        template="layer.html.j2",
        title=f"{layer.index} {layer.name}",
        description=f"{layer.name} ({kind_of(layer)}, {shape_of(layer)}) for every test image.",
        boost=2,
        crumbs=(_to(path, plan.INDEX, "Home"), _to(path, plan.LAYERS, "Layers")),
        previous=previous,
        following=following,
        content={
            "row": _row(site, path, layer, site.good),
            "family": FAMILIES_IN_WORDS[layer.family],
            "legend": _legend(site, layer, drawn),
            "enlarged": drawn[0].enlarged,
            "numbers": [_image_numbers(path, result, layer) for result in site.good],
        },
    )


def _image_numbers(page: str, result: ImageResult, layer: Layer) -> Numbers:
    statistics = result.layers[layer.slug].statistics
    low, high = _extremes(statistics.minimum, statistics.maximum)
    link = _to(page, plan.image_layer_page(result.image.slug, layer.slug), result.image.name)
    flags = _flags(_constant(layer, result.layers[layer.slug]), statistics.flawed)
    active = f"{_mean(statistics.active):.0%}"
    return Numbers(link, number(low), number(high), number(_mean(statistics.mean)), active, flags)


def _image_layer(site: Site, position: int, layer: Layer, result: ImageResult) -> Page:
    path = plan.image_layer_page(result.image.slug, layer.slug)
    drawn = result.layers[layer.slug]
    previous, following = _neighbours(site, path, position, result.image.slug)
    place = site.good.index(result)
    others = [
        _to(path, plan.image_layer_page(other.image.slug, layer.slug), other.image.name)
        for other in site.good[max(0, place - NEARBY) : place + NEARBY + 1]
        if other is not result
    ]
    constant = [str(channel) for channel in np.flatnonzero(_constant(layer, drawn))]
    return Page(
        path=path,
        template="image_layer.html.j2",
        title=f"{layer.index} {layer.name} · {result.image.name}",
        description=f"What {layer.name} ({kind_of(layer)}) makes of {result.image.name}.",
        crumbs=(
            _to(path, plan.INDEX, "Home"),
            _to(path, plan.IMAGES, "Images"),
            _to(path, plan.image_page(result.image.slug), result.image.name),
        ),
        previous=previous,
        following=following,
        content={
            "layer": layer,
            "kind": kind_of(layer),
            "family": FAMILIES_IN_WORDS[layer.family],
            "shape": shape_of(layer),
            "layer_link": _to(path, plan.layer_page(layer.slug), layer.name),
            "others": others,
            "grid": _shown(path, drawn.grid, _grid_alt(result, layer), _scaling(site, result, layer)),
            "seen": _shown(path, result.seen, f"{result.image.name} as the model sees it", "The input"),
            "enlarged": drawn.enlarged,
            "legend": _legend(site, layer, [drawn]),
            "display": _whole_width(drawn.grid),
            "channels": [_channel(path, result, layer, channel) for channel in range(len(drawn.channels))],
            "channel_factor": drawn.channels[0].width // layer.shape[1] if drawn.channels else 1,
            "constant": constant,
            "table": _text_table(layer, drawn),
        },
    )


def _whole_width(grid: Picture) -> int:
    """Return the width in CSS pixels at which a small grid is shown: a whole multiple, about 500 wide."""
    return grid.width * max(1, min(520 // grid.width, 520 // grid.height))


def _channel(page: str, result: ImageResult, layer: Layer, channel: int) -> Shown:
    drawn = result.layers[layer.slug]
    row = _channel_numbers(layer, drawn, channel)
    low, high = drawn.ranges[channel]
    caption = f"{number(low)} … {number(high)}"
    if row.flag:
        caption = (
            f"{row.flag} {row.minimum}" if drawn.statistics.constant[channel] else f"{caption}, {row.flag}"
        )
    alt = (
        f"Channel {channel} of {layer.name} for {result.image.name}: values from {row.minimum} to "
        f"{row.maximum}, {row.active} above zero{', ' + row.flag if row.flag else ''}"
    )
    return _shown(page, drawn.channels[channel], alt, caption)


def _channel_numbers(layer: Layer, drawn: LayerResult, channel: int) -> Numbers:
    statistics = drawn.statistics
    active = statistics.active[channel]
    constant = _constant(layer, drawn)[channel]
    return Numbers(
        Link("", str(channel)),
        number(statistics.minimum[channel]),
        number(statistics.maximum[channel]),
        number(statistics.mean[channel]),
        "–" if math.isnan(active) else f"{active:.0%}",
        ", ".join(
            ["constant"] * bool(constant) + ["NaN or infinite values"] * bool(statistics.flawed[channel])
        ),
    )


def _text_table(layer: Layer, drawn: LayerResult) -> Markup:
    """Return the numbers of all channels as aligned text, escaped.

    As a table it would be most of the page's elements, and cost most of MkDocs' time.
    """
    rows = [("channel", "minimum", "maximum", "mean", "above zero", "")]
    for channel in range(layer.channels):
        row = _channel_numbers(layer, drawn, channel)
        rows.append((str(channel), row.minimum, row.maximum, row.mean, row.active, row.flag))
    lines = ("".join(f"{cell:>11}" for cell in row[:5]) + f"   {row[5]}" for row in rows)
    return escape("\n".join(line.rstrip() for line in lines))


def _flags(constant: np.ndarray, flawed: np.ndarray) -> str:
    flags = []
    if constant.any():
        flags.append(count(int(constant.sum()), "constant channel"))
    if flawed.any():
        flags.append(f"NaN or infinite values in {count(int((flawed > 0).sum()), 'channel')}")
    return ", ".join(flags)


def _extremes(minimum: np.ndarray, maximum: np.ndarray) -> tuple[float, float]:
    finite = minimum[~np.isnan(minimum)], maximum[~np.isnan(maximum)]
    return (finite[0].min(), finite[1].max()) if finite[0].size else (math.nan, math.nan)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else 0.0


FAMILIES_IN_WORDS = {
    "convolution": "A convolution looks for small learned patterns; a map is high where its pattern fits.",
    "pooling": "Pooling keeps one value of each small neighbourhood, so the maps shrink.",
    "normalization": "Normalisation brings every channel to a common range; shapes stay the same.",
    "activation": "An activation decides how much of a value passes; a ReLU lets none below zero.",
    "merging": "Here several stacks of maps become one.",
    "resizing": "Here maps change their size or place, not their content.",
    "other": "",
}
RULES = {
    "channel": (
        "Each channel is coloured from its own smallest to its own largest value, so compare shapes, "
        "not brightness, between channels."
    ),
    "layer": "All channels of the layer share one scale, so brightness can be compared between them.",
    "zscore": (
        "Each channel is coloured from two standard deviations below its mean to two above; "
        "what lies outside gets the last colour."
    ),
}
CAPTIONS = {
    "channel": "each channel from its minimum to its maximum",
    "layer": "all channels on one scale",
    "zscore": "each channel from its mean − 2 to its mean + 2 standard deviations",
}
ENDS = {
    "channel": ("channel’s minimum", "channel’s maximum"),
    "layer": ("layer’s minimum", "layer’s maximum"),
    "zscore": ("mean − 2 deviations", "mean + 2 deviations"),
}


def _legend(site: Site, layer: Layer | None, drawn: Sequence[LayerResult]) -> Legend:
    """Say how colours are to be read, with the layer's numbers where there is one."""
    scale = _scale(site, layer) if layer else site.scale
    low, high = ENDS[scale]
    if scale == "layer" and len(drawn) == 1:
        low, high = (number(value) for value in drawn[0].ranges[0])
    rule = RULES[scale]
    if drawn:
        extremes = [_extremes(each.statistics.minimum, each.statistics.maximum) for each in drawn]
        smallest, largest = min(each[0] for each in extremes), max(each[1] for each in extremes)
        rule += f" Values here lie between {number(smallest)} and {number(largest)}."
    stops = (site.table[index * (LEVELS - 1) // 12] for index in range(13))
    gradient = ", ".join(_css(colour) for colour in stops)
    names = {
        CONSTANT: "constant channel",
        NOT_A_NUMBER: "NaN",
        PLUS_INFINITY: "+∞",
        MINUS_INFINITY: "−∞",
    }
    flawed = any(each.statistics.flawed.any() for each in drawn)
    constant = any(_constant(layer, each).any() for each in drawn)
    wanted = ([CONSTANT] if constant else []) + (
        [NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY] if flawed else []
    )
    special = tuple((_css(SPECIAL_COLOURS[index]), names[index]) for index in wanted)
    return Legend(gradient, low, high, rule, special)


def _css(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*map(int, colour))


def _compare(site: Site) -> Page:
    path = plan.COMPARE
    return Page(
        path=path,
        template="compare.html.j2",
        title="Compare",
        description="Every layer for every test image in one table.",
        crumbs=(_to(path, plan.INDEX, "Home"),),
        content={
            "legend": _legend(site, None, ()),
            "columns": [_column(path, result) for result in site.good],
            "rows": [_row(site, path, layer, site.good) for layer in site.plan.drawn],
        },
    )


def _model(site: Site) -> Page:
    path, model = plan.MODEL, site.model
    facts = (
        ("File", model.file),
        ("SHA-256", model.digest),
        ("Input", "×".join(map(str, model.input_shape)) + " (height, width, channels)"),
        ("Pixel values", site.pixels),
        ("Output", " and ".join("×".join(map(str, shape)) or "1" for shape in model.output_shapes)),
        ("Parameters", f"{model.parameters:,}"),
        ("Colours", f"{site.colours}, scaled by {site.scale}"),
        *[("Repaired", each) for each in model.repairs],
        ("Made with", ", ".join(f"{name} {version}" for name, version in model.versions.items())),
    )
    return Page(
        path=path,
        template="model.html.j2",
        title="Model",
        description=f"The layers, shapes and parameters of {model.name}.",
        crumbs=(_to(path, plan.INDEX, "Home"),),
        content={
            "name": one_line(model.name),
            "facts": [(name, one_line(str(value))) for name, value in facts],
            "rows": [_row(site, path, layer, ()) for layer in site.plan.layers],
        },
    )
