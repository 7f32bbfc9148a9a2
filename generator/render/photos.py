"""Pictures of many colours to the bytes of JPEG and other files."""

import io

import imageio.v3 as imageio
import numpy as np
from PIL import Image

LONGEST_PHOTO = 800  # pixels of the longer side of a published input


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


def save(image: Image.Image, kind: str, **options) -> bytes:
    """Encode a picture as Pillow's `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
