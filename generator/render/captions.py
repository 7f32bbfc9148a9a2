"""Lines of text as palette indices, uint8."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generator.core.formatting import one_line
from generator.render.palette import (
    INK,
)

FONT_SIZE = 13  # pixels


@functools.lru_cache(maxsize=4096)  # those of layers and channels are the same for every image
def caption(lines: tuple[str, ...], width: int, font_size: int = FONT_SIZE) -> np.ndarray:
    """Write lines of text as palette indices, uint8 (height, width); what does not fit is cut."""
    line_height = caption_height(1, font_size)
    image = Image.new("L", (width, caption_height(len(lines), font_size)))
    draw = ImageDraw.Draw(image)
    font = _font(font_size)
    for number, line in enumerate(lines):
        text = _shorten(one_line(line), width - font_size, font)
        draw.text((font_size // 2, line_height * number + font_size // 5), text, fill=255, font=font)
    written = np.uint8(INK + np.asarray(image) // 26)
    written.flags.writeable = False
    return written


def caption_height(lines: int, font_size: int = FONT_SIZE) -> int:
    """Return how many pixels high a caption is."""
    return lines * font_size * 3 // 2


def _shorten(line: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"


def text_width(line: str, font_size: int) -> float:
    """Return how many pixels wide a line of text is."""
    return _font(font_size).getlength(line)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    return ImageFont.truetype(path, size)
