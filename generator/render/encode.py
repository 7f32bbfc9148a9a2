"""8-bit arrays to the bytes of PNG, GIF and JPEG files."""

import functools
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from PIL import GifImagePlugin, Image, ImageDraw, ImageFont, ImageSequence

from generator.core.errors import SettingsError
from generator.core.formatting import one_line
from generator.core.sequences import evenly_spaced, pieces
from generator.render.raster import (
    BACKGROUND,
    CONSTANT,
    INK,
    LEVELS,
    MINUS_INFINITY,
    NOT_A_NUMBER,
    PLUS_INFINITY,
    enlarge,
)

BACKGROUND_COLOUR = (24, 27, 33)
TEXT_COLOUR = (240, 242, 246)
SPECIAL_COLOURS = {
    BACKGROUND: BACKGROUND_COLOUR,
    CONSTANT: (128, 128, 128),
    NOT_A_NUMBER: (255, 0, 255),
    PLUS_INFINITY: (255, 60, 40),
    MINUS_INFINITY: (60, 120, 255),
}
LONGEST_PHOTO = 800  # pixels of the longer side of a published input
FONT_SIZE = 13  # pixels
GIF_HEADER = 13  # bytes before the palette (https://www.w3.org/Graphics/GIF/spec-gif89a.txt)
GIF_ENDLESS = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
PAETH = 4  # a filter type of PNG


def colour_table(name: str) -> np.ndarray:
    """Return the palette, uint8 (256, 3), of a matplotlib colour map.

    Raises `SettingsError` when there is no such map.
    """
    import matplotlib  # takes half a second, so only where it is needed

    if name not in matplotlib.colormaps:
        raise SettingsError(
            f"colours: expected a matplotlib colour map such as viridis, received {name!r}: choose another"
        )
    table = np.zeros((256, 3), np.uint8)
    table[:LEVELS] = matplotlib.colormaps[name](np.linspace(0, 1, LEVELS), bytes=True)[:, :3]
    for index, colour in SPECIAL_COLOURS.items():
        table[index] = colour
    table[INK:] = np.linspace(BACKGROUND_COLOUR, TEXT_COLOUR, 256 - INK).round()
    return table


def png(indices: np.ndarray, table: np.ndarray) -> bytes:
    """Encode palette indices, uint8 (height, width); see `pngs`."""
    return next(pngs(indices[None], table))


def pngs(stack: np.ndarray, table: np.ndarray, factor: int = 1) -> Iterator[bytes]:
    """Encode each of uint8 (pictures, height, width), enlarged by a whole factor; the background is clear.

    The palette is cut to the colours in use, which makes small maps half as large. Since colour maps run from
    low to high values, neighbours mostly have near indices, and prediction pays: grids of trained networks
    become a seventh smaller, though sparse maps grow. What enlarging repeats is predicted without a residual:
    only the first corner of an enlarged pixel has one.
    """
    count, height, width = stack.shape
    rows = np.zeros((height, factor, 1 + width * factor), np.uint8)
    rows[..., 0] = PAETH
    corners = rows[:, 0, 1::factor]  # a view: every picture is put into the same rows
    size = struct.pack(">IIBBBBB", width * factor, height * factor, 8, 3, 0, 0, 0)
    start, end = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size), _chunk(b"IEND", b"")
    for piece in pieces(count, height * width):
        pictures = stack[piece]
        used = np.stack([_colours_in_use(indices.ravel()) for indices in pictures])
        positions = (np.cumsum(used, axis=1) - 1).astype(np.uint8)
        cut = [indices.tobytes().translate(where) for indices, where in zip(pictures, positions, strict=True)]
        residuals = _residuals(np.frombuffer(b"".join(cut), np.uint8).reshape(pictures.shape))
        for colours, clear, pixels in zip(used, positions[:, BACKGROUND], residuals, strict=True):
            corners[:] = pixels
            palette = _chunk(b"PLTE", table[colours].tobytes())
            if colours[BACKGROUND]:
                palette += _chunk(b"tRNS", b"\xff" * int(clear) + b"\0")
            yield start + palette + _chunk(b"IDAT", deflate(rows)) + end


def _colours_in_use(indices: np.ndarray) -> np.ndarray:
    """Return which of 256 colours are among uint8 (pixels,), bool (256,)."""
    # in pieces, since they become int64 first
    return sum(np.bincount(indices[piece], minlength=256) for piece in pieces(indices.size, 1)) > 0


def _residuals(pictures: np.ndarray) -> np.ndarray:
    """Return what is left of uint8 (pictures, height, width), modulo 256, after prediction by neighbours.

    A pixel is predicted to be like the one left of it, above it, or left above, whichever is nearest to
    left + above − left above; around a picture all is zero. Source: filter type 4 of
    https://www.w3.org/TR/png-3/.
    """
    count, height, width = pictures.shape
    padded = np.zeros((count, height + 1, width + 1), np.uint8)
    padded[:, 1:, 1:] = pictures
    result, flat = np.empty_like(padded), padded.ravel()  # one long row, since short ones take long
    target = result.ravel()[width + 2 :]
    near = flat[width + 2 :], flat[width + 1 : -1], flat[1 : -width - 1], flat[: -width - 2]
    for piece in pieces(target.size, 1):
        pixels, left, above, corner = (each[piece] for each in near)
        off_left, off_above = _apart(above, corner), _apart(left, corner)
        between = (left < corner) != (above < corner)
        nearest = between & (_apart(off_left, off_above) < np.minimum(off_left, off_above))
        predicted = _choose(nearest, corner, _choose(off_left <= off_above, left, above))
        np.subtract(pixels, predicted, out=target[piece])
    return result[:, 1:, 1:]


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return |first − second| of uint8."""
    return np.maximum(first, second) - np.minimum(first, second)


def _choose(first_where: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return `np.where` of uint8, by masks of bits, which is many times as fast."""
    return second ^ ((first ^ second) & -first_where.view(np.uint8))


def deflate(content: np.ndarray) -> bytes:
    """Compress contiguous uint8 as zlib, looking for nothing but runs of one value.

    Residuals and the maps of trained networks hardly ever repeat anything else, so it takes half the time and
    fewer bytes. Of unpredicted maps only those lose whose pixels were repeated, by upsampling for example.
    """
    compressor = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return compressor.compress(content) + compressor.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def photo(pixels: np.ndarray) -> tuple[bytes, int, int]:
    """Encode uint8 (height, width, 3) as JPEG, at most `LONGEST_PHOTO` long; return (bytes, width, height).

    Nothing but the pixels is stored, so that no place or camera is published.
    """
    shown = shrink(pixels)
    return imageio.imwrite("<bytes>", shown, extension=".jpg", quality=88), *shown.shape[1::-1]


def shrink(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 (height, width, 3) at most `LONGEST_PHOTO` pixels long."""
    image = Image.fromarray(pixels)
    image.thumbnail((LONGEST_PHOTO, LONGEST_PHOTO))
    return np.asarray(image)


def exact(pixels: np.ndarray, factor: int) -> bytes:
    """Encode uint8 (height, width, 1 or 3) as PNG, every pixel enlarged by a whole factor."""
    picture = np.moveaxis(enlarge(np.moveaxis(pixels, -1, 0), factor), 0, -1)
    return imageio.imwrite(
        "<bytes>", picture.squeeze(-1) if picture.shape[-1] == 1 else picture, extension=".png"
    )


def gif(frames: np.ndarray, table: np.ndarray, milliseconds: int) -> bytes:
    """Encode palette indices, uint8 (frames, height, width), as an endless GIF with exact colours.

    Of each frame but the first there is only the rectangle in which it differs from the one before. A frame
    that does not differ makes that one last longer. Pillow does nothing but compress: it would also look up
    every colour of every frame's palette, which takes longer.
    """
    _, height, width = frames.shape
    rectangles, durations = [], []
    for number, frame in enumerate(frames):
        rows, columns = _changed(frames[number - 1], frame) if number else (slice(0, height), slice(0, width))
        if rows.stop:
            rectangles.append((columns.start, rows.start, frame[rows, columns]))
            durations.append(0)
        durations[-1] += milliseconds // 10
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF7, 0, 0), table.tobytes(), GIF_ENDLESS]
    for (left, top, pixels), duration in zip(rectangles, durations, strict=True):
        parts.append(b"!\xf9\x04" + struct.pack("<BHBB", 0, min(duration, 0xFFFF), 0, 0))
        parts.append(b"," + struct.pack("<HHHHBB", left, top, *pixels.shape[::-1], 0, 8))
        parts.append(Image.fromarray(pixels).tobytes("gif", "L") + b"\0")
    return b"".join(parts) + b";"


def _changed(before: np.ndarray, after: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns in which two pictures differ, empty ones if they do not."""
    differ = before != after
    rows, columns = (np.flatnonzero(differ.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def gif_palette(content: bytes) -> np.ndarray:
    """Return the palette, uint8 (256, 3), of what `gif` has encoded, as a view of its bytes."""
    return np.frombuffer(content, np.uint8, 256 * 3, GIF_HEADER).reshape(256, 3)


def gif_frames(content: bytes) -> tuple[np.ndarray, int]:
    """Return what `gif` has encoded: palette indices, uint8 (frames, height, width), and milliseconds.

    Frames that equal the one before them have become one with it.
    """
    usual = GifImagePlugin.LOADING_STRATEGY
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
    try:
        with Image.open(io.BytesIO(content)) as opened:
            milliseconds = opened.info["duration"]
            return np.stack([np.array(frame) for frame in ImageSequence.Iterator(opened)]), milliseconds
    finally:
        GifImagePlugin.LOADING_STRATEGY = usual


def gif_on_white(content: bytes) -> bytes:
    """Give what `gif` has encoded a white background and dark captions; the maps keep their colours."""
    table = gif_palette(content).copy()
    table[BACKGROUND] = 255
    table[INK:] = np.linspace((255, 255, 255), BACKGROUND_COLOUR, 256 - INK).round()
    return content[:GIF_HEADER] + table.tobytes() + content[GIF_HEADER + table.size :]


def gif_within(
    frames: np.ndarray, table: np.ndarray, milliseconds: int, most: int
) -> tuple[bytes, tuple[int, ...]]:
    """Encode as many of the frames, evenly spaced, as stay within `most` bytes, at least one; see `gif`.

    Returns the bytes and which frames are in them.
    """
    kept = tuple(range(len(frames)))
    while True:
        content = gif(frames[list(kept)], table, milliseconds)
        if len(content) <= most or len(kept) == 1:
            return content, kept
        fewer = min(len(kept) - 1, len(kept) * most // len(content))
        kept = evenly_spaced(len(frames), max(1, fewer))


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
    table = colour_table("viridis")
    colours = np.frombuffer(reduced.palette.palette, np.uint8).reshape(-1, 3)[:LEVELS]
    table[: len(colours)] = colours
    return indices.reshape(count, height, width), table


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


def save(image: Image.Image, kind: str, **options) -> bytes:
    """Encode a picture as Pillow's `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
