"""Everything that is decided before anything is drawn: layers, slugs, pictures and tasks. Pure functions."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from generator.core import limits, paths, wording
from generator.core.errors import LayerError
from generator.core.formatting import DEVICES, shape_in_words
from generator.core.records import InputImage, Layer, LayerInfo, RenderTask, Singles
from generator.core.sequences import evenly_spaced

PER_PAGE = 24  # images on one page of a list, so that pages do not grow with the gallery
COMPARED = 12  # images side by side on one page of the comparison
LONGEST_SLUG = 60
OPEN_SIDE = 128  # pixels: what a side that depends on the picture is taken for
LARGEST_MAP = 256  # pixels of the longer side of a map in an animation over channels
CANVASES = (704, 664, 600, 532, 464, 400, 334, 266)  # pixels; powers of two and their gaps fit in well
LAYER_FRAME_BYTES = 0.17  # for each pixel of a square canvas; trained models take from 0.14 to 0.23


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be made. `layers` has every call; `singles` the families drawn channel by channel.

    `most_singles` is how many channels of a layer are drawn singly, evenly spaced, `None` for all; `left_out`
    says what is not made to save space.
    """

    images: tuple[InputImage, ...]
    layers: tuple[Layer, ...]
    singles: tuple[str, ...]
    gif_channels_per_layer: int
    gif_channels: int
    most_singles: int | None = None
    left_out: tuple[str, ...] = ()

    @cached_property
    def drawn(self) -> tuple[Layer, ...]:
        """The layers that get pictures, in execution order."""
        return tuple(layer for layer in self.layers if layer.reason is None)

    @cached_property
    def mapped(self) -> tuple[Layer, ...]:
        """The drawn layers that make feature maps; the others are drawn as bars."""
        return tuple(layer for layer in self.drawn if layer.is_map)

    @cached_property
    def convolutions(self) -> tuple[Layer, ...]:
        """The drawn layers whose channels make the animation over channels."""
        return tuple(layer for layer in self.mapped if layer.family == "convolution")

    @cached_property
    def attributed(self) -> tuple[Layer, ...]:
        """The drawn convolutions whose maps lie over the picture, whole and not one of many."""
        return tuple(each for each in self.convolutions if len(each.shape) == 3 and not each.notice)

    def tasks(self, image: InputImage) -> tuple[RenderTask, ...]:
        """Return one task a drawn layer."""
        return tuple(self._task(image, layer) for layer in self.drawn)

    def _task(self, image: InputImage, layer: Layer) -> RenderTask:
        folder = paths.image_layer_page(image.slug, layer.slug)
        if not layer.is_map:
            return RenderTask(image=image.slug, layer=layer, grid=f"{folder}.png", singles=Singles("", 0, ()))
        single = "all" in self.singles or layer.family in self.singles
        drawn = evenly_spaced(layer.channels, self.most_singles or layer.channels) if single else ()
        return RenderTask(
            image=image.slug,
            layer=layer,
            grid=f"{folder}/grid.png",
            small=f"{folder}/small.png",
            maps=paths.maps_script(image.slug, layer.slug),
            singles=Singles(folder, layer.channels, drawn),
            frames=self.frames(layer),
        )

    @cached_property
    def canvas(self) -> int:
        """The side in pixels of the frames over the layers, from their number alone.

        What is planned without a look at any image is the same for all, however many are added later.
        """
        side = math.sqrt(limits.PLANNED_GIF_BYTES / (LAYER_FRAME_BYTES * max(1, len(self.mapped))))
        return next((each for each in CANVASES if each <= side), CANVASES[-1])

    @cached_property
    def animated(self) -> tuple[tuple[Layer, int], ...]:
        """The pairs (layer, channel) of the animation over channels, evenly spread, for all images."""
        most = self.gif_channels
        while True:
            chosen = self._spread_channels(most)
            size = sum(channel_frame_bytes(layer) for layer, _ in chosen)
            if size <= limits.PLANNED_GIF_BYTES or len(chosen) <= len(self.convolutions):
                return chosen
            fewer = min(len(chosen) - 1, int(len(chosen) * limits.PLANNED_GIF_BYTES / size))
            most = max(len(self.convolutions), fewer)

    def _spread_channels(self, most: int) -> tuple[tuple[Layer, int], ...]:
        layers = self.convolutions
        if not layers:
            return ()
        each = min(self.gif_channels_per_layer, max(1, most // len(layers)))
        chosen = [(layer, channel) for layer in layers for channel in evenly_spaced(layer.channels, each)]
        return tuple(chosen[index] for index in evenly_spaced(len(chosen), most))

    def frames(self, layer: Layer) -> tuple[int, ...]:
        """Return the channels of a layer that are animated."""
        return tuple(channel for each, channel in self.animated if each is layer)


def channel_frame_bytes(layer: Layer) -> int:
    """Estimate a frame of one channel: fitted to GIFs of trained models, maps 8 to 128 pixels wide."""
    height, width, _ = (side or OPEN_SIDE for side in layer.map_shape)
    return round(2_000 + 1_300 * min(height * width, LARGEST_MAP**2) ** 0.35)


def slugify(text: str, limit: int = LONGEST_SLUG) -> str:
    """Return `text` in [a-z0-9-], at most `limit` characters, possibly empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].rstrip("-")


def image_slugs(names: Iterable[str]) -> tuple[str, ...]:
    """Return a slug for each file name, made from its stem, unique, and never "index" or a device of Windows.

    Of names that give the same slug the later ones get their ending too, then a number.
    """
    taken = {"index", *DEVICES}
    slugs = []
    for name in names:
        stem, _, ending = name.rpartition(".")
        base = slugify(stem, LONGEST_SLUG - 12) or "image"
        candidates = [base, f"{base}-{slugify(ending, 8)}"]
        slug = next((each for each in candidates if each not in taken), None)
        number = 2
        while slug is None:
            slug = f"{base}-{number}" if f"{base}-{number}" not in taken else None
            number += 1
        taken.add(slug)
        slugs.append(slug)
    return tuple(slugs)


def plan_layers(
    infos: Sequence[LayerInfo], patterns: Collection[str], draw_identity: bool
) -> tuple[Layer, ...]:
    """Give every layer its slug and decide whether it is drawn, and if not, why.

    `patterns` are globs on a layer's name or kind, regardless of case; none means all. Raises `LayerError`
    when a pattern matches nothing.
    """
    for pattern in patterns:
        if not any(_matches(info, pattern) for info in infos):
            known = ", ".join(dict.fromkeys(info.kind for info in infos))
            raise LayerError(
                f"expected a pattern that matches a layer's name or kind, received {pattern!r}: "
                f"kinds in this model are {known}; `activation-gallery inspect` lists the names"
            )
    width = len(str(len(infos)))
    slugs = {info.index: _layer_slug(info, width) for info in infos}
    return tuple(
        Layer(
            **vars(info),
            slug=slugs[info.index],
            same_as=slugs.get(info.repeats),
            reason=_reason(info, patterns, draw_identity),
        )
        for info in infos
    )


def check_drawn(layers: Sequence[Layer]) -> None:
    """Raise `LayerError` unless there is a layer to draw."""
    if not any(layer.is_map and layer.reason is None for layer in layers):
        raise LayerError(
            "expected at least one layer that makes feature maps, received none: "
            "`activation-gallery inspect` tells why each layer is left out"
        )


def _layer_slug(info: LayerInfo, width: int) -> str:
    number = f"{info.index:0{width}d}"
    name = slugify(info.name, LONGEST_SLUG - width - 1)
    return f"{number}-{name}" if name else number


def _matches(info: LayerInfo, pattern: str) -> bool:
    return any(fnmatchcase(text.lower(), pattern.lower()) for text in (info.name, info.kind))


def _reason(info: LayerInfo, patterns: Collection[str], draw_identity: bool) -> str | None:
    if info.missing:
        return wording.say_missing(info.missing)
    if 0 in info.shape:
        return f"its output ({shape_in_words(info.shape)}) is empty"
    if not info.is_map and not info.is_vector:
        return f"its output ({shape_in_words(info.shape)}) is no stack of feature maps"
    if patterns and not any(_matches(info, pattern) for pattern in patterns):
        return "not chosen by --layers"
    if info.repeats is not None and not draw_identity:
        repeated = f"layer {info.repeats}" if info.repeats else "the input"
        return f"does nothing at inference: the same as {repeated}"
    return None
