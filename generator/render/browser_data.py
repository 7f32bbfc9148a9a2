"""What the explorer in the browser reads: maps in 8 bits, their ranges over all images, and colour maps.

A page that is opened from a folder may not fetch its neighbours. So each is a script that hands over one
value, loaded only when it is wanted.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from generator.core.records import MapStatistics
from generator.render import palette, png

# Maps that people with any kind of colour vision can read; the last ones have a middle, for zero.
SEQUENTIAL = ("viridis", "cividis", "magma", "inferno")  # none has the grey that flags constant channels
DIVERGING = ("RdBu_r", "PuOr_r")


def maps_script(indices: np.ndarray, statistics: MapStatistics) -> bytes:
    """Return the script of one layer for one image.

    `indices` are palette indices, uint8 (channels, height, width), each channel between its own minimum and
    maximum; so a value is known to half of (maximum − minimum) / 239.
    """
    channels, height, width = indices.shape
    return _script(
        {
            "shape": (height, width, channels),
            "low": _floats(np.nan_to_num(statistics.minimum)),
            "high": _floats(np.nan_to_num(statistics.maximum)),
            "levels": _text(png.deflate(indices)),
        }
    )


def own_ranges(statistics: MapStatistics) -> np.ndarray:
    """Return float64 (channels, 2): each channel's minimum and maximum, (0, 0) without finite values."""
    ranges = np.stack([statistics.minimum, statistics.maximum], axis=1)
    return np.nan_to_num(ranges.astype(np.float64))


def ranges_script(images: Sequence[str], statistics: Sequence[MapStatistics]) -> bytes:
    """Return the script of one layer for all images, by slug: what is put on one scale or in one order.

    `low` and `high` are the extremes of each channel over all images, `mean` (images, channels) tells how
    strongly each image is answered; `maximum`, `variance` and `active` are averages over the images.
    """
    minimum, maximum = (
        np.stack([getattr(each, name) for each in statistics]) for name in ("minimum", "maximum")
    )
    some = np.isfinite(minimum)
    return _script(
        {
            "images": list(images),
            "low": _floats(np.where(some, minimum, np.inf).min(axis=0), some),
            "high": _floats(np.where(some, maximum, -np.inf).max(axis=0), some),
            "mean": _floats(np.stack([each.mean for each in statistics])),
            **{
                name: _floats(_mean_over([getattr(each, name) for each in statistics]))
                for name in ("maximum", "variance", "active")
            },
        }
    )


def _mean_over(numbers: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean over the images, as float64, since a sum of large float32 may be infinite."""
    return np.mean([np.nan_to_num(each) for each in numbers], axis=0, dtype=np.float64)


def colours_script(chosen: str, words: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return the script of the colour maps, `chosen` first: 240 colours each, as RGB bytes.

    `words` has what is said of each scale.
    """
    names = dict.fromkeys((chosen, *SEQUENTIAL, *DIVERGING))
    tables = {name: _text(palette.colour_table(name)[: palette.LEVELS].tobytes()) for name in names}
    special = {
        name: palette.SPECIAL_COLOURS[index]
        for name, index in (
            ("constant", palette.CONSTANT),
            ("notANumber", palette.NOT_A_NUMBER),
            ("plusInfinity", palette.PLUS_INFINITY),
            ("minusInfinity", palette.MINUS_INFINITY),
        )
    }
    return _script(
        {"chosen": chosen, "tables": tables, "diverging": DIVERGING, "special": special, "scales": words}
    )


def _script(value: Mapping[str, Any]) -> bytes:
    return f"agData({json.dumps(value, separators=(',', ':'))});\n".encode()


def _floats(values: np.ndarray, known: np.ndarray | None = None) -> str:
    if known is not None:
        values = np.where(known.any(axis=0), values, 0)
    return _text(np.nan_to_num(values).astype("<f4").tobytes())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
