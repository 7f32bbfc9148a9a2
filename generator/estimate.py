"""How much a build would write, from its plan alone, and how to stay below a limit.

The constants were fitted to websites of models that were trained; what compresses worse or better differs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from generator.core import limits
from generator.core.formatting import count, size
from generator.core.plan import (
    COMPARED,
    LAYER_FRAME_BYTES,
    OPEN_SIDE,
    PER_PAGE,
    Plan,
    channel_frame_bytes,
)
from generator.core.records import Layer
from generator.core.sequences import evenly_spaced
from generator.render.scaling import picture_factor

FIXED_BYTES = 2_800_000  # the theme and the search
SAFETY = 1.15  # what must fit is taken for larger: random weights weighed 11 % more than estimated
PAGE_BYTES, CHANNEL_BYTES, SINGLE_BYTES = 19_000, 62, 360
LAYER_PAGE_BYTES = 60_000  # with its charts and their numbers
INPUT_BYTES = 150_000
CARD_BYTES = 150_000  # the picture shown where others link to a page
OVERLAY_BYTES = 45_000  # a Grad-CAM map over the picture, and its frame
ARRAY_BYTES = {"none": 0, "float16": 1.55, "float32": 3.0}  # for each value, compressed
DEPLOY_MINUTES = 10  # that GitHub Pages gives a deployment
MINUTES, MINUTES_PER_GIGABYTE, MINUTES_PER_FILE = 1, 5, 5e-5  # of a deployment: guessed, not measured
START_SECONDS, SECONDS_PER_MEGABYTE, SECONDS_PER_PAGE = 8, 0.25, 0.04


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a build would write: numbers of pictures, pages and all files, bytes, and rough seconds.

    `layers` are the bytes of each drawn layer by slug, all images together.
    """

    images: int
    pictures: int
    pages: int
    files: int
    bytes: int
    seconds: float
    layers: dict[str, int]


def estimate(plan: Plan, arrays: str = "none", explain: bool = True) -> Estimate:
    """Estimate the website that a plan makes; `arrays` and `explain` are as in the settings."""
    images = len([image for image in plan.images if not image.error])
    layers = {
        layer.slug: images * (layer_bytes(plan, layer) + _array_bytes(layer, arrays)) + LAYER_PAGE_BYTES
        for layer in plan.drawn
    }
    gifs = min(limits.PLANNED_GIF_BYTES, round(len(plan.mapped) * LAYER_FRAME_BYTES * plan.canvas**2))
    gifs += sum(channel_frame_bytes(layer) for layer, _ in plan.animated)
    parts, compared = -(-images // PER_PAGE), -(-images // COMPARED)
    pages = 2 + compared + parts * (2 + len(plan.drawn)) + images * (1 + len(plan.mapped))
    pictures = images * (len(plan.drawn) + sum(len(_singles(plan, layer)) for layer in plan.mapped) + 7) + 1
    each = gifs + INPUT_BYTES + CARD_BYTES + PAGE_BYTES
    each += len(plan.attributed) * OVERLAY_BYTES if explain else 0
    total = FIXED_BYTES + CARD_BYTES + sum(layers.values()) + images * each
    seconds = START_SECONDS + total / 1e6 * SECONDS_PER_MEGABYTE + pages * SECONDS_PER_PAGE
    files = pictures + pages + images * len(plan.mapped)
    return Estimate(
        images=images,
        pictures=pictures,
        pages=pages,
        files=files,
        bytes=total,
        seconds=seconds,
        layers=layers,
    )


def layer_bytes(plan: Plan, layer: Layer) -> int:
    """Estimate one layer's page and pictures for one image."""
    if not layer.is_map:
        return 2_000
    height, width, channels = (side or OPEN_SIDE for side in layer.map_shape)
    longer, area = max(height, width), height * width
    grid = channels * area * (0.69 + 7.5 / longer)
    maps = channels * area * (0.87 + 3 / longer)
    singles = len(_singles(plan, layer))
    each = area * (0.6 + (44 / longer if picture_factor(height, width) > 1 else 0))
    page = PAGE_BYTES + channels * CHANNEL_BYTES + singles * SINGLE_BYTES
    return round(grid + maps + singles * each + page)


def _array_bytes(layer: Layer, arrays: str) -> int:
    return round(math.prod(side or OPEN_SIDE for side in layer.shape or ()) * ARRAY_BYTES[arrays])


def _singles(plan: Plan, layer: Layer) -> Sequence[int]:
    if "all" not in plan.singles and layer.family not in plan.singles:
        return ()
    return evenly_spaced(layer.channels, plan.most_singles or layer.channels)


def fit(plan: Plan, most: int, arrays: str = "none", explain: bool = True) -> Plan:
    """Return a plan of `most` bytes at most, with some room to err, which says what it leaves out.

    First fewer channels are drawn singly, evenly spaced and the same for all images, then layers go, evenly
    over the depth; at least one layer stays, and where that is too much it is said.
    """

    def is_too_large(plan: Plan) -> bool:
        return estimate(plan, arrays, explain).bytes * SAFETY > most

    if not is_too_large(plan):
        return plan
    said = []
    largest = max((len(_singles(plan, layer)) for layer in plan.mapped), default=0)
    while largest > 1 and is_too_large(plan):
        largest = largest // 2
        plan = replace(plan, most_singles=largest)
    if single := plan.most_singles:
        said.append(
            f"at most {count(single, 'channel')} of a layer {_are(single)} drawn singly, evenly spaced"
        )
    before = plan
    kept = total = len(plan.mapped)
    while kept > 1 and is_too_large(plan):
        kept -= 1
        plan = _thin(before, kept, f"left out to stay below {size(most)}")
    if gone := total - kept:
        said.append(f"{gone} of {count(total, 'layer')} {_are(gone)} left out, evenly spaced")
    said = [f"to stay below {size(most)}, {each}" for each in said]
    if (weight := estimate(plan, arrays, explain).bytes) > most:
        said.append(
            f"even so it is about {size(weight)} instead of {size(most)}, since one layer always stays"
        )
    return replace(plan, left_out=tuple(said))


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _thin(plan: Plan, kept: int, reason: str) -> Plan:
    total = len(plan.mapped)
    stay = {(2 * index + 1) * total // (2 * kept) for index in range(kept)}
    gone = {layer.slug for place, layer in enumerate(plan.mapped) if place not in stay}
    layers = (replace(layer, reason=reason) if layer.slug in gone else layer for layer in plan.layers)
    return replace(plan, layers=tuple(layers))


def in_words(plan: Plan, arrays: str = "none", explain: bool = True) -> list[str]:
    """Say what a build would write and how that stands to the limits, one line each."""
    found = estimate(plan, arrays, explain)
    minutes = MINUTES + found.bytes / 1e9 * MINUTES_PER_GIGABYTE + found.files * MINUTES_PER_FILE
    lines = [
        f"{count(found.images, 'image')}, {count(len(plan.drawn), 'layer')}: "
        f"about {found.pictures:,} pictures, "
        f"{found.pages:,} pages, {size(found.bytes)}, roughly {_time(found.seconds)} (a guess)",
        f"GitHub Pages: {found.bytes / limits.WEBSITE_BYTES:.0%} of a website's "
        f"{size(limits.WEBSITE_BYTES)}; to deploy about {found.files:,} files takes {math.ceil(minutes)} "
        f"of the {DEPLOY_MINUTES} minutes allowed (a guess)",
        f"each animation is made to stay below the {limits.LARGEST_GIF_BYTES / 1e6:.0f} MB that a "
        "README shows",
    ]
    if found.bytes > limits.WEBSITE_BYTES:
        costly = sorted(plan.drawn, key=lambda layer: -found.layers[layer.slug])[:5]
        names = ", ".join(f"{layer.name} {size(found.layers[layer.slug])}" for layer in costly)
        lines.append(f"too large for GitHub Pages; the layers that cost most: {names}")
        fitted = "; ".join(fit(plan, limits.WEBSITE_BYTES, arrays, explain).left_out)
        lines.append(f"use --layers, or --fit {size(limits.WEBSITE_BYTES).replace(' ', '')}: {fitted}")
    return lines


def _time(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
