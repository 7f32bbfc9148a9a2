"""Palettes: 256 entries, `LEVELS` colours from low to high, then the special entries below."""

import numpy as np
from PIL import Image

from generator.core.errors import SettingsError

LEVELS = 240
BACKGROUND, CONSTANT, NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY = range(LEVELS, LEVELS + 5)
UNUSED = "viridis"  # a colour map for entries of a palette that no pixel has
INK = 246  # the first of ten greys from the background to the text of captions
BACKGROUND_COLOUR = (24, 27, 33)
TEXT_COLOUR = (240, 242, 246)
SPECIAL_COLOURS = {
    BACKGROUND: BACKGROUND_COLOUR,
    CONSTANT: (128, 128, 128),
    NOT_A_NUMBER: (255, 0, 255),
    PLUS_INFINITY: (255, 60, 40),
    MINUS_INFINITY: (60, 120, 255),
}


def colour_table(name: str) -> np.ndarray:
    """Return the palette, uint8 (256, 3), of a matplotlib colour map.

    Raises `SettingsError` when there is no such map.
    """
    import matplotlib  # takes half a second, so only where it is needed

    if name not in matplotlib.colormaps:
        raise SettingsError(
            f"colours: expected a matplotlib colour map such as viridis, received {name!r}: choose another"
        )
    table = special_table()
    table[:LEVELS] = matplotlib.colormaps[name](np.linspace(0, 1, LEVELS), bytes=True)[:, :3]
    return table


def special_table() -> np.ndarray:
    """Return the special entries of every palette alone, uint8 (256, 3); below `LEVELS` all is black."""
    table = np.zeros((256, 3), np.uint8)
    for index, colour in SPECIAL_COLOURS.items():
        table[index] = colour
    table[INK:] = np.linspace(BACKGROUND_COLOUR, TEXT_COLOUR, 256 - INK).round()
    return table


def common_palette(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give uint8 (frames, height, width, 3) a palette of `LEVELS` colours, by median cut, without dithering.

    Returns palette indices, uint8 (frames, height, width), and the palette with the special entries, uint8
    (256, 3).
    """
    count, height, width, _ = frames.shape
    packed = np.unique(frames.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32))
    # each colour once, else the palette has no room for the few brightest
    once = np.stack([packed >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)
    reduced = Image.fromarray(once[None]).quantize(LEVELS, Image.Quantize.MEDIANCUT)
    picture = Image.fromarray(frames.reshape(count * height, width, 3))
    indices = np.asarray(picture.quantize(palette=reduced, dither=Image.Dither.NONE))
    table = colour_table(UNUSED)
    colours = np.frombuffer(reduced.palette.palette, np.uint8).reshape(-1, 3)[:LEVELS]
    table[: len(colours)] = colours
    return indices.reshape(count, height, width), table
