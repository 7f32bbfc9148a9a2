"""Photos as JPEG."""

import io

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from generator.render import photos

RANDOM = np.random.default_rng(3)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((10, 20), (20, 10)),
        ((800, 300), (300, 800)),
        ((1200, 400), (267, 800)),
        ((5, 2000), (800, 2)),
        ((1, 3000), (800, 1)),
    ],
)
def test_photos_are_at_most_800_pixels_long(shape, size):
    content, width, height = photos.photo(np.full((*shape, 3), (200, 40, 90), np.uint8))
    assert (width, height) == size
    decoded = imageio.imread(content, extension=".jpg")
    assert decoded.shape == (height, width, 3)
    assert np.abs(decoded.astype(int) - (200, 40, 90)).max() <= 3


def test_photos_carry_nothing_but_pixels():
    content, *_ = photos.photo(np.zeros((8, 8, 3), np.uint8))
    picture = opened(content)
    assert picture.format == "JPEG"
    assert not picture.getexif()
    assert not {"exif", "comment", "icc_profile", "xmp"} & picture.info.keys()
