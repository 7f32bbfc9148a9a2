"""How colours are read: the scales in words, and legends with a gradient and the special colours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from generator.core.formatting import number
from generator.core.records import Layer, LayerResult
from generator.render.palette import (
    CONSTANT,
    LEVELS,
    MINUS_INFINITY,
    NOT_A_NUMBER,
    PLUS_INFINITY,
    SPECIAL_COLOURS,
)
from generator.website.components.numbers import constant_channels, extremes
from generator.website.site import Site

GRADIENT_STOPS = 13  # colours of a bar, between which the browser goes smoothly


@dataclass(frozen=True, kw_only=True)
class ScaleWords:
    """What is said of a scale: below a picture, next to the colour bar, and at the bar's ends."""

    caption: str
    rule: str
    low: str
    high: str


# "images" and "symmetric" are scales of the explorer only, where numbers take the place of the ends.
SCALES_IN_WORDS = {
    "channel": ScaleWords(
        caption="each channel from its minimum to its maximum",
        rule=(
            "Each channel is coloured from its own smallest to its own largest value, so compare shapes, "
            "not brightness, between channels."
        ),
        low="channel’s minimum",
        high="channel’s maximum",
    ),
    "layer": ScaleWords(
        caption="all channels on one scale",
        rule="All channels of the layer share one scale, so brightness can be compared between them.",
        low="layer’s minimum",
        high="layer’s maximum",
    ),
    "zscore": ScaleWords(
        caption="each channel from its mean − 2 to its mean + 2 standard deviations",
        rule=(
            "Each channel is coloured from two standard deviations below its mean to two above; "
            "what lies outside gets the last colour."
        ),
        low="mean − 2 deviations",
        high="mean + 2 deviations",
    ),
    "images": ScaleWords(
        caption="all channels and all images on one scale",
        rule="All channels and all images share one scale, so brightness can be compared everywhere.",
        low="smallest of all images",
        high="largest of all images",
    ),
    "symmetric": ScaleWords(
        caption="all channels and all images on one scale around zero",
        rule="All channels and all images share one scale around zero, which has the middle colour.",
        low="as far below zero",
        high="as far above zero",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Legend:
    """How to read the colours: a CSS gradient, the words at its ends, the rule, and the special colours.

    `span` says between which numbers the values lie, where that is known.
    """

    gradient: str
    low: str
    high: str
    rule: str
    span: str = ""
    special: tuple[tuple[str, str], ...] = ()


def scale_of(site: Site, layer: Layer) -> str:
    """Return the scale by which a layer is coloured: one of `SCALES_IN_WORDS`."""
    return "layer" if layer.shape[:2] == (1, 1) or layer.is_sequence else site.scale


def colour_legend(site: Site, layer: Layer | None, drawn: Sequence[LayerResult]) -> Legend:
    """Return how colours are to be read, with the layer's numbers where there is one."""
    scale = scale_of(site, layer) if layer else site.scale
    words = SCALES_IN_WORDS[scale]
    low, high = words.low, words.high
    if scale == "layer" and len(drawn) == 1:
        low, high = (number(value) for value in drawn[0].ranges[0])
    span = ""
    if drawn:
        ends = [extremes(each.numbers.statistics) for each in drawn]
        smallest = np.fmin.reduce([low for low, _ in ends])  # an image may have nothing finite
        largest = np.fmax.reduce([high for _, high in ends])
        span = f"Values here lie between {number(smallest)} and {number(largest)}."
    last = GRADIENT_STOPS - 1
    stops = (site.table[index * (LEVELS - 1) // last] for index in range(GRADIENT_STOPS))
    gradient = css_gradient(stops)
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
    return Legend(gradient=gradient, low=low, high=high, rule=words.rule, span=span, special=special)


def css_gradient(colours: Iterable[Sequence[int]]) -> str:
    """Return the stops of a CSS gradient."""
    return ", ".join(_css(colour) for colour in colours)


def _css(colour: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*map(int, colour))
