"""The attribution of a prediction on an image's page: Grad-CAM maps, channels set to zero, and a CSV file."""

from dataclasses import dataclass, replace

import numpy as np

from generator.core import paths, plan, wording
from generator.core.formatting import count, number, one_line, shape_in_words
from generator.core.records import Animation, Attribution, ImageResult, Layer
from generator.render import overlays
from generator.website.components.grids import channel_views
from generator.website.components.legends import GRADIENT_STOPS, Legend, css_gradient
from generator.website.components.pictures import PictureView, Player, picture_view, player
from generator.website.links import Link, link_to

SHOWN_CHANNELS = 6  # on either side; the CSV file has all


@dataclass(frozen=True, kw_only=True)
class AttributionMap:
    """A layer's map: a link to the layer, its size, the picture, `None` where there is none, and words."""

    index: int
    link: Link
    shape: str
    picture: PictureView | None
    words: str


@dataclass(frozen=True, kw_only=True)
class ChannelEffect:
    """What setting a channel to zero does to the score; `picture` is `None` where none is drawn."""

    link: Link
    change: str
    picture: PictureView | None


@dataclass(frozen=True, kw_only=True)
class ChannelEffects:
    """The channels of one layer that matter most, and the file with all that were computed."""

    layer: Link
    recomputed: str
    supporting: tuple[ChannelEffect, ...]
    opposing: tuple[ChannelEffect, ...]
    csv: Link


@dataclass(frozen=True, kw_only=True)
class AttributionView:
    """What a prediction rests on, for one image.

    What is not there is `None` or empty, and `notice` says why.
    """

    label: str
    score: str
    method: str
    notice: str | None
    legend: Legend | None
    player: Player | None
    maps: tuple[AttributionMap, ...]
    channels: ChannelEffects | None


def attribution_view(page: str, made: plan.Plan, result: ImageResult) -> AttributionView | None:
    """Return what an image's page says, `None` where its prediction is attributed to nothing."""
    if result.attribution is None:
        return None
    drawn, attribution = result.attribution, result.attribution.numbers
    label = one_line(result.prediction.label or "")
    maps, channels = (), None
    if attribution.kind:
        maps = tuple(_map(page, layer, result, label) for layer in made.attributed)
    if attribution.channels.size:
        channels = _channel_effects(page, made.layers[attribution.layer - 1], result)
    return AttributionView(
        label=label,
        score="" if attribution.score is None else number(attribution.score),
        method=wording.say_score(result.prediction.method, attribution.kind) if attribution.kind else "",
        notice=attribution.notice and one_line(wording.say_obstacle(attribution.notice)),
        legend=_legend(label) if drawn.pictures else None,
        player=_player(page, result, drawn.animation) if drawn.animation else None,
        maps=maps,
        channels=channels,
    )


def _legend(label: str) -> Legend:
    rule = (
        f"Coloured places speak for {label}; grey is the picture itself. Every map goes from zero to its own "
        "peak, which is written below it, so compare places, not brightness, between layers."
    )
    gradient = css_gradient(overlays.colour_bar(GRADIENT_STOPS))
    return Legend(gradient=gradient, low="zero", high="peak", rule=rule)


def _player(page: str, result: ImageResult, animation: Animation) -> Player:
    alt = f"Last frame of the Grad-CAM maps over depth for {result.image.name}"
    return player(page, result, "Over depth", alt, animation)


def _map(page: str, layer: Layer, result: ImageResult, label: str) -> AttributionMap:
    drawn, slug = result.attribution, layer.slug
    peak = drawn.peaks.get(slug)
    if peak is None:
        words = "no gradient flows from here to the score"
    elif np.isnan(peak):
        words = "not drawn: NaN or infinite"
    elif peak == 0:
        words = f"zero everywhere: no place here speaks for {label}"
    else:
        words = f"peak {number(peak)}"
    picture = None
    if slug in drawn.pictures:
        alt = f"Grad-CAM map of {layer.name} over {result.image.name}, {words}"
        picture = picture_view(page, drawn.pictures[slug], alt)
    return AttributionMap(
        index=layer.index,
        link=link_to(page, paths.image_layer_page(result.image.slug, slug), layer.name),
        shape=shape_in_words(result.layers[slug].numbers.shape[:2]),
        picture=picture,
        words=words,
    )


def _channel_effects(page: str, layer: Layer, result: ImageResult) -> ChannelEffects:
    attribution = result.attribution.numbers
    singles = channel_views(page, result, layer)
    layer_page = paths.image_layer_page(result.image.slug, layer.slug)
    target = paths.link(page, f"{layer_page}.html")
    effects = [
        (change, _effect(target, int(channel), float(change), singles.get(channel)))
        for channel, change in zip(attribution.channels, attribution.changes, strict=True)
        if change  # one that changes nothing is on neither side
    ]
    falls, rises = effects[:SHOWN_CHANNELS], effects[: -SHOWN_CHANNELS - 1 : -1]
    return ChannelEffects(
        layer=link_to(page, layer_page, f"{layer.index} {layer.name}"),
        recomputed=_say_recomputed(attribution),
        supporting=tuple(effect for change, effect in falls if change < 0),
        opposing=tuple(effect for change, effect in rises if change > 0),
        csv=Link(
            href=paths.link(page, f"{paths.attribution(result.image.slug)}.csv"), text="all changes as CSV"
        ),
    )


def _say_recomputed(attribution: Attribution) -> str:
    if len(attribution.channels) == attribution.of:
        return f"Each of the {count(attribution.of, 'channel')} was set to zero in turn."
    return (
        "What follows this layer cannot be run by itself, so each channel takes a pass of the whole model: "
        f"only the {len(attribution.channels):,} of {count(attribution.of, 'channel')} with the largest sum, "
        "in absolute value, of gradient × activation were set to zero in turn."
    )


def _effect(target: str, channel: int, change: float, single: PictureView | None) -> ChannelEffect:
    link = Link(href=f"{target}#c{channel}", text=f"channel {channel}")
    picture = replace(single, caption="", href=link.href) if single else None
    return ChannelEffect(link=link, change=f"{'+' if change > 0 else ''}{number(change)}", picture=picture)


def changes_csv(attribution: Attribution) -> bytes:
    """Return how the score changes without each channel, the largest fall first, as CSV."""
    rows = zip(attribution.channels, attribution.changes, strict=True)
    lines = ["channel,change_of_score", *(f"{channel},{change:.9g}" for channel, change in rows)]
    return "".join(f"{line}\n" for line in lines).encode()
