"""Palette indices and pixels, 8 bits each, to the bytes of PNG files."""

import struct
import zlib
from collections.abc import Iterator

import imageio.v3 as imageio
import numpy as np

from generator.core.sequences import pieces
from generator.render.palette import BACKGROUND
from generator.render.scaling import enlarge

PAETH = 4  # a filter type of PNG


def encode(indices: np.ndarray, table: np.ndarray) -> bytes:
    """Encode palette indices, uint8 (height, width); see `encode_stack`."""
    return next(encode_stack(indices[None], table))


def encode_stack(stack: np.ndarray, table: np.ndarray, factor: int = 1) -> Iterator[bytes]:
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


def encode_pixels(pixels: np.ndarray, factor: int) -> bytes:
    """Encode uint8 (height, width, 1 or 3) as PNG, every pixel enlarged by a whole factor."""
    picture = np.moveaxis(enlarge(np.moveaxis(pixels, -1, 0), factor), 0, -1)
    return imageio.imwrite(
        "<bytes>", picture.squeeze(-1) if picture.shape[-1] == 1 else picture, extension=".png"
    )
