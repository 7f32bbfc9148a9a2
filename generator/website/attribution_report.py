"""What an image's page says of the explanation of its prediction, with links, pictures and a file."""

from dataclasses import dataclass, replace

import numpy as np

from generator.core import paths, plan
from generator.core.formatting import count, number, one_line, shape_in_words
from generator.core.records import Animation, Explanation, ImageResult, Layer
from generator.render import overlays
from generator.website import components

MOST = 6  # channels shown on either side; the CSV file has all
BAR_STEPS = 13  # colours of the bar, between which the browser goes smoothly


@dataclass(frozen=True)
class PlaceMap:
    """A layer's map: a link to the layer, its size, the picture, `None` where there is none, and words."""

    index: int
    link: components.Link
    shape: str
    picture: components.Shown | None
    words: str


@dataclass(frozen=True)
class ChannelEffect:
    """What setting a channel to zero does to the score; `picture` is `None` where none is drawn."""

    link: components.Link
    change: str
    picture: components.Shown | None


@dataclass(frozen=True)
class ChannelReport:
    """The channels of one layer that matter most, and the file with all that were computed."""

    layer: components.Link
    recomputed: str
    supporting: tuple[ChannelEffect, ...]
    opposing: tuple[ChannelEffect, ...]
    csv: components.Link


@dataclass(frozen=True)
class DecisionReport:
    """What decides, for one image; parts that are not there are `None` or empty, and `notice` says why."""

    label: str
    score: str
    method: str
    notice: str | None
    legend: components.Legend | None
    player: components.Player | None
    maps: tuple[PlaceMap, ...]
    channels: ChannelReport | None


def report_decision(page: str, made: plan.Plan, result: ImageResult) -> DecisionReport | None:
    """Return what an image's page says, `None` where its prediction is not explained."""
    if result.decision is None:
        return None
    decision, found = result.decision, result.decision.explanation
    label = one_line(result.prediction.label or "")
    return DecisionReport(
        label=label,
        score="" if found.score is None else number(found.score),
        method=found.method,
        notice=found.notice and one_line(found.notice),
        legend=_legend(label) if decision.pictures else None,
        player=_player(page, result, decision.animation) if decision.animation else None,
        maps=tuple(_place_map(page, layer, result, label) for layer in made.explained)
        if found.method
        else (),
        channels=_channels(page, made.layers[found.layer - 1], result) if found.channels.size else None,
    )


def _legend(label: str) -> components.Legend:
    colours = overlays.colour_bar(BAR_STEPS)
    gradient = components.write_gradient(colours)
    rule = (
        f"Coloured places speak for {label}; grey is the picture itself. Every map goes from zero to its own "
        "peak, which is written below it, so compare places, not brightness, between layers."
    )
    return components.Legend(gradient, "zero", "peak", rule, "", ())


def _player(page: str, result: ImageResult, animation: Animation) -> components.Player:
    alt = f"Last frame of the Grad-CAM maps over depth for {result.image.name}"
    return components.make_player(page, result, "Over depth", alt, animation)


def _place_map(page: str, layer: Layer, result: ImageResult, label: str) -> PlaceMap:
    decision, slug = result.decision, layer.slug
    link = components.link_to(page, paths.image_layer_page(result.image.slug, slug), layer.name)
    shape, peak = shape_in_words(result.layers[slug].numbers.shape[:2]), decision.peaks.get(slug)
    if peak is None:
        words = "no gradient flows from here to the score"
    elif np.isnan(peak):
        words = "not drawn: NaN or infinite"
    elif peak == 0:
        words = f"zero everywhere: no place here speaks for {label}"
    else:
        words = f"peak {number(peak)}"
    shown = None
    if slug in decision.pictures:
        alt = f"Grad-CAM map of {layer.name} over {result.image.name}, {words}"
        shown = components.show(page, decision.pictures[slug], alt)
    return PlaceMap(layer.index, link, shape, shown, words)


def _channels(page: str, layer: Layer, result: ImageResult) -> ChannelReport:
    found = result.decision.explanation
    singles = components.show_channels(page, result, layer)
    target = paths.link(page, f"{paths.image_layer_page(result.image.slug, layer.slug)}.html")
    effects = [
        (change, _effect(target, int(channel), float(change), singles.get(channel)))
        for channel, change in zip(found.channels, found.changes, strict=True)
        if change  # one that changes nothing is on neither side
    ]
    return ChannelReport(
        layer=components.link_to(
            page, paths.image_layer_page(result.image.slug, layer.slug), f"{layer.index} {layer.name}"
        ),
        recomputed=_say_recomputed(found),
        supporting=tuple(each for change, each in effects[:MOST] if change < 0),
        opposing=tuple(each for change, each in effects[: -MOST - 1 : -1] if change > 0),
        csv=components.Link(
            paths.link(page, f"{paths.decision(result.image.slug)}.csv"), "all changes as CSV"
        ),
    )


def _say_recomputed(found: Explanation) -> str:
    if len(found.channels) == found.of:
        return f"Each of the {count(found.of, 'channel')} was set to zero in turn."
    return (
        "What follows this layer cannot be run by itself, so each channel takes a pass of the whole model: "
        f"only the {len(found.channels):,} of {count(found.of, 'channel')} with the largest sum, in absolute "
        "value, of gradient × activation were set to zero in turn."
    )


def _effect(target: str, channel: int, change: float, single: components.Shown | None) -> ChannelEffect:
    link = components.Link(f"{target}#c{channel}", f"channel {channel}")
    shown = replace(single, caption="", href=link.href) if single else None
    return ChannelEffect(link, f"{'+' if change > 0 else ''}{number(change)}", shown)


def changes_csv(found: Explanation) -> bytes:
    """Return how the score changes without each channel, the largest fall first, as CSV."""
    rows = zip(found.channels, found.changes, strict=True)
    lines = ["channel,change_of_score", *(f"{channel},{change:.9g}" for channel, change in rows)]
    return "".join(f"{line}\n" for line in lines).encode()
