"""PNG files against an independent decoder."""

import io

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from generator.render import palette, png

TABLE = palette.colour_table("viridis")
RANDOM = np.random.default_rng(3)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_pngs_have_the_exact_colours(factor):
    stack = RANDOM.integers(0, 240, (3, 6, 9), dtype=np.uint8)
    for indices, content in zip(stack, png.encode_stack(stack, TABLE, factor), strict=True):
        decoded = imageio.imread(content, extension=".png", mode="RGB")
        enlarged = np.kron(indices, np.ones((factor, factor), np.uint8))
        np.testing.assert_array_equal(decoded, TABLE[enlarged])


def test_no_pictures_make_no_pngs():
    assert not list(png.encode_stack(np.empty((0, 4, 4), np.uint8), TABLE, 2))


@pytest.mark.parametrize("shape", [(5, 300, 300), (900, 1, 400), (3, 700, 500), (70000, 2, 2)])
def test_pngs_of_more_than_one_piece_are_each_their_own(shape):
    smooth = np.cumsum(RANDOM.integers(-2, 3, shape), axis=-1).clip(0, 239).astype(np.uint8)
    contents = list(png.encode_stack(smooth, TABLE))
    assert len(contents) == shape[0] > 2**18 // (shape[1] * shape[2])
    for number in range(0, shape[0], -(-shape[0] // 50)):
        decoded = imageio.imread(contents[number], extension=".png", mode="RGB")
        np.testing.assert_array_equal(decoded, TABLE[smooth[number]])


@pytest.mark.parametrize(
    "indices",
    [
        pytest.param(np.full((3, 4), 17, np.uint8), id="one colour"),
        pytest.param(np.array([[255]], np.uint8), id="one pixel"),
        pytest.param(np.array([[0, 239], [241, 0]], np.uint8), id="three colours"),
        pytest.param(np.arange(256, dtype=np.uint8).reshape(16, 16), id="all colours"),
        pytest.param(np.full((2, 2), 240, np.uint8), id="background alone"),
    ],
)
def test_png_with_few_and_many_colours(indices):
    decoded = imageio.imread(png.encode(indices, TABLE), extension=".png", mode="RGBA")
    np.testing.assert_array_equal(decoded[..., :3], TABLE[indices])
    np.testing.assert_array_equal(decoded[..., 3] == 0, indices == 240)
    np.testing.assert_array_equal(decoded[..., 3] == 255, indices != 240)


def test_png_takes_read_only_indices():
    indices = np.zeros((2, 2), np.uint8)
    indices.flags.writeable = False
    assert opened(png.encode(indices, TABLE)).size == (2, 2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [1, 3])
def test_what_the_model_sees_is_kept_exactly(channels, factor):
    pixels = RANDOM.integers(0, 256, (4, 6, channels), dtype=np.uint8)
    decoded = imageio.imread(png.encode_pixels(pixels, factor), extension=".png", mode="RGB")
    assert decoded.shape == (4 * factor, 6 * factor, 3)
    for row in range(4 * factor):
        for column in range(6 * factor):
            assert (decoded[row, column] == pixels[row // factor, column // factor]).all()
