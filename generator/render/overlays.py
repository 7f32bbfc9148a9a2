"""Grad-CAM maps over the picture: from arrays to pictures and an animation. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from generator.core import limits, paths
from generator.core.formatting import number, shape_in_words
from generator.core.records import Attribution, DrawnAttribution, Layer, Picture
from generator.render import captions, gif, layer_pictures, palette, png, scaling, tiling

COLOURS = "inferno"  # its brightness rises all the way, so everybody can read it
DARKEST = 0.25  # of the colour map's length: what lies below is too dark on a dark picture
STRONGEST = 0.85  # opacity of a map's peak; elsewhere it falls with the square root of the value
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
SIDE = 256  # pixels of the longer side
DURATION = 1500  # milliseconds a frame


def grey_picture(seen: np.ndarray) -> np.ndarray:
    """Return uint8 (height, width, 1 or 3) as grey float64 (height, width), averaged down to fit `SIDE`."""
    grey = seen.astype(np.float64) @ (LUMA if seen.shape[-1] == 3 else (1.0,))
    return scaling.average_down(grey[..., None], -(-max(grey.shape) // SIDE))[..., 0]


def bilinear(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Stretch float (h, w) to float64 (height, width); edges are those of the outermost values' squares."""
    for axis, side in enumerate((height, width)):
        given = values.shape[axis]
        places = np.clip((np.arange(side) + 0.5) * given / side - 0.5, 0, given - 1)
        before = places.astype(int)
        after = np.minimum(before + 1, given - 1)
        share = places - before
        share = share[:, None] if axis == 0 else share
        values = values.take(before, axis) * (1 - share) + values.take(after, axis) * share
    return values


def blend(grey: np.ndarray, shares: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Lay colours over grey (height, width) of 0…255: uint8 (height, width, 3).

    `shares` of 0…1 (height, width) choose from `colours`, uint8 (count, 3), and say how much is covered.
    """
    places = DARKEST + (1 - DARKEST) * shares
    chosen = colours[np.rint(places * (len(colours) - 1)).astype(int)]
    covered = (STRONGEST * np.sqrt(shares))[..., None]
    return np.rint((1 - covered) * grey[..., None] + covered * chosen).astype(np.uint8)


def overlay(grey: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """Lay a map, finite and not negative, over grey (height, width): uint8 (height, width, 3).

    The map goes from zero, where the picture stays as it is, to its own peak.
    """
    peak = float(cam.max(initial=0))
    shares = bilinear(cam / peak if peak else np.zeros(cam.shape), *grey.shape)
    return blend(grey, shares, palette.colour_table(COLOURS)[: palette.LEVELS])


def colour_bar(steps: int) -> np.ndarray:
    """Return the colours from zero to the peak over a middle grey, uint8 (steps, 3)."""
    shares = np.linspace(0, 1, steps)[None]
    return blend(np.full(shares.shape, 128.0), shares, palette.colour_table(COLOURS)[: palette.LEVELS])[0]


def draw_attribution(
    image: str, seen: np.ndarray, layers: Sequence[Layer], attribution: Attribution
) -> tuple[DrawnAttribution, dict[str, bytes]]:
    """Draw an attribution for the image with this slug; return also the files by path.

    `seen` is uint8 (height, width, 1 or 3), `layers` are those that maps were asked for.
    """
    cams = {layer: attribution.cams[layer.index] for layer in layers if layer.index in attribution.cams}
    peaks = {
        layer.slug: float(cam.max()) if np.isfinite(cam).all() else np.nan for layer, cam in cams.items()
    }
    drawn_attribution = DrawnAttribution(numbers=replace(attribution, cams={}), peaks=peaks)
    good = {layer: cam for layer, cam in cams.items() if not np.isnan(peaks[layer.slug])}
    if not good:
        return drawn_attribution, {}
    grey = grey_picture(seen)
    indices, table = palette.common_palette(np.stack([overlay(grey, cam) for cam in good.values()]))
    indices = scaling.enlarge(indices, max(1, SIDE // max(grey.shape)))
    height, width = indices.shape[1:]
    files, pictures = {}, {}
    for layer, each in zip(good, indices, strict=True):
        if peaks[layer.slug]:
            path = paths.overlay(image, layer.slug)
            files[path] = png.encode(each, table)
            pictures[layer.slug] = Picture(path, width, height)
    frames = _frames(indices, list(good.items()))
    content, kept = gif.encode_within(frames, table, DURATION, limits.README_GIF_BYTES)
    path, shown = paths.attribution(image), (len(kept), len(frames))
    animation, drawn = layer_pictures.animation(path, content, frames[-1], table, shown, "layers")
    return replace(drawn_attribution, pictures=pictures, animation=animation), files | drawn


def _frames(indices: np.ndarray, maps: Sequence[tuple[Layer, np.ndarray]]) -> np.ndarray:
    """Put captions above the pictures, uint8 (frames, height, width)."""
    height, width = indices.shape[1], max(SIDE, indices.shape[2])
    frames = []
    for picture, (layer, cam) in zip(indices, maps, strict=True):
        peak = float(cam.max())
        says = f"peak {number(peak)}" if peak else "zero everywhere"
        lines = f"{layer.index} {layer.name}", f"{shape_in_words(cam.shape)} · {says}"
        frames.append(np.concatenate([captions.caption(lines, width), tiling.centre(picture, height, width)]))
    return np.stack(frames)
