"""Layers on a page: rows of lists, grids of feature maps with what the explorer needs, single channels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from generator.core import paths
from generator.core.formatting import count, number, one_line
from generator.core.records import ImageResult, Layer, Picture
from generator.website.components.legends import SCALES_IN_WORDS, scale_of
from generator.website.components.numbers import (
    channel_numbers,
    constant_channels,
    extremes,
    mean_of,
    span_text,
)
from generator.website.components.pictures import PictureView, picture_view
from generator.website.components.words import kind_of, shape_of
from generator.website.links import Link, link_to
from generator.website.site import Site


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer in a list. `note` tells why it is not drawn or what it repeats."""

    layer: Layer
    kind: str
    shape: str
    link: Link | None
    note: str | None
    same: Link | None
    grids: tuple[PictureView, ...] = ()


def layer_row(
    site: Site,
    page: str,
    layer: Layer,
    results: Sequence[ImageResult],
    small: bool = False,
    own: bool = False,
) -> LayerRow:
    """Return a layer's row in a list on `page`, with its grids, or `small` ones, for `results`.

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
    grids = tuple(_row_grid(site, page, result, layer, small) for result in shown)
    return LayerRow(
        layer=layer,
        kind=kind_of(layer),
        shape=shape_of(layer),
        link=link,
        note=layer.reason,
        same=same,
        grids=grids,
    )


def _row_grid(site: Site, page: str, result: ImageResult, layer: Layer, small: bool) -> PictureView:
    href = None
    if layer.is_map:
        href = paths.link(page, f"{paths.image_layer_page(result.image.slug, layer.slug)}.html")
    caption = f"{one_line(result.image.name)}: {scaling_caption(site, result, layer)}"
    drawn = result.layers[layer.slug]
    shown = picture_view(page, drawn.small if small else drawn.grid, grid_alt(result, layer), caption, href)
    span = span_text(*extremes(result.layers[layer.slug].numbers.statistics))
    csv = None if layer.is_map else paths.link(page, paths.values_csv(result.image.slug, layer.slug))
    return replace(shown, numbers=span, explore=explorer_data(site, result, layer), csv=csv)


def grid_view(site: Site, page: str, result: ImageResult, layer: Layer) -> PictureView:
    """Return a grid on its own page, where it leads nowhere else."""
    words = grid_alt(result, layer), scaling_caption(site, result, layer)
    shown = picture_view(page, result.layers[layer.slug].grid, *words)
    return replace(shown, explore=explorer_data(site, result, layer))


def explorer_data(site: Site, result: ImageResult, layer: Layer) -> str | None:
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
        "scale": scale_of(site, layer),
        "columns": drawn.columns,
        "factor": drawn.enlarged,
        "seen": result.seen.path,
        "fed": result.fed[:2],
        "receptive": vars(layer.receptive) if layer.receptive else None,
    }
    return json.dumps(facts)


def scaling_caption(site: Site, result: ImageResult, layer: Layer) -> str:
    """Say in a caption how a grid is coloured, with its numbers."""
    span = span_text(*extremes(result.layers[layer.slug].numbers.statistics))
    if not layer.is_map:
        return f"bars from zero; values {span}"
    return f"{SCALES_IN_WORDS[scale_of(site, layer)].caption}; values {span}"


def grid_alt(result: ImageResult, layer: Layer) -> str:
    """Say what a grid shows, from its numbers, for those who do not see it."""
    statistics = result.layers[layer.slug].numbers.statistics
    low, high = extremes(statistics)
    if not layer.is_map:
        return (
            f"Bars of {count(layer.shape[0], 'value')} of {layer.name} for {result.image.name}: "
            f"values from {number(low)} to {number(high)}"
        )
    constant = int(constant_channels(layer, result.layers[layer.slug]).sum())
    return (
        f"Grid of {count(layer.channels, 'feature map')} of {layer.name} for {result.image.name}: "
        f"values from {number(low)} to {number(high)}, {mean_of(statistics.active):.0%} above zero"
        + (f", {count(constant, 'constant channel')}" if constant else "")
    )


def grid_width(grid: Picture) -> int:
    """Return the width in CSS pixels at which a small grid is shown: a whole multiple, about 500 wide."""
    return grid.width * max(1, min(520 // grid.width, 520 // grid.height))


def channel_views(page: str, result: ImageResult, layer: Layer) -> dict[int, PictureView]:
    """Return the pictures of single channels with their numbers, by channel, none where none are drawn."""
    drawn = result.layers[layer.slug]
    rows = channel_numbers(layer, drawn) if drawn.singles else []
    shown = {}
    for channel in drawn.singles:
        row = rows[channel]
        caption = span_text(*drawn.ranges[channel])
        if row.is_constant:
            caption = f"{row.flag} {row.minimum}"
        elif row.flag:
            caption = f"{caption}, {row.flag}"
        alt = (
            f"Channel {channel} of {layer.name} for {result.image.name}: values from {row.minimum} to "
            f"{row.maximum}, {row.active} above zero{', ' + row.flag if row.flag else ''}"
        )
        shown[channel] = picture_view(page, drawn.single(channel), alt, caption)
    return shown
