"""Palette indices, uint8, to the bytes of animated GIF files, and back."""

import io
import struct

import numpy as np
from PIL import GifImagePlugin, Image, ImageSequence

from generator.core.sequences import evenly_spaced
from generator.render.palette import BACKGROUND, BACKGROUND_COLOUR, INK

HEADER = 13  # bytes before the palette (https://www.w3.org/Graphics/GIF/spec-gif89a.txt)
ENDLESS = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"


def encode(frames: np.ndarray, table: np.ndarray, milliseconds: int) -> bytes:
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
    parts = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF7, 0, 0), table.tobytes(), ENDLESS]
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


def palette_of(content: bytes) -> np.ndarray:
    """Return the palette, uint8 (256, 3), of what `encode` has encoded, as a view of its bytes."""
    return np.frombuffer(content, np.uint8, 256 * 3, HEADER).reshape(256, 3)


def decode(content: bytes) -> tuple[np.ndarray, int]:
    """Return what `encode` has encoded: palette indices, uint8 (frames, height, width), and milliseconds.

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


def on_white(content: bytes) -> bytes:
    """Give what `encode` has encoded a white background and dark captions; the maps keep their colours."""
    table = palette_of(content).copy()
    table[BACKGROUND] = 255
    table[INK:] = np.linspace((255, 255, 255), BACKGROUND_COLOUR, 256 - INK).round()
    return content[:HEADER] + table.tobytes() + content[HEADER + table.size :]


def encode_within(
    frames: np.ndarray, table: np.ndarray, milliseconds: int, most: int
) -> tuple[bytes, tuple[int, ...]]:
    """Encode as many of the frames, evenly spaced, as stay within `most` bytes, at least one; see `encode`.

    Returns the bytes and which frames are in them.
    """
    kept = tuple(range(len(frames)))
    while True:
        content = encode(frames[list(kept)], table, milliseconds)
        if len(content) <= most or len(kept) == 1:
            return content, kept
        fewer = min(len(kept) - 1, len(kept) * most // len(content))
        kept = evenly_spaced(len(frames), max(1, fewer))
