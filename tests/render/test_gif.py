"""GIF files, frame by frame and pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from generator.render import gif, palette

TABLE = palette.colour_table("viridis")
RANDOM = np.random.default_rng(3)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def timeline(content: bytes, milliseconds: int) -> np.ndarray:
    """Return what an animation shows at every step of time, uint8 (steps, height, width, 3)."""
    picture = opened(content)
    shown = []
    for number in range(picture.n_frames):
        picture.seek(number)
        steps, rest = divmod(picture.info["duration"], milliseconds)
        assert rest == 0
        shown += [np.asarray(picture.convert("RGB"))] * steps
    return np.stack(shown)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 0, 1, 2, 2), (0, 1, 1, 1, 0), (0, 0), (0,)])
def test_gif_shows_every_frame_for_its_time(order):
    frames = RANDOM.integers(0, 256, (3, 12, 17), dtype=np.uint8)[list(order)]
    content = gif.encode(frames, TABLE, 200)
    if len(set(order)) > 1:
        np.testing.assert_array_equal(timeline(content, 200), TABLE[frames])
        assert opened(content).info["loop"] == 0
    else:
        np.testing.assert_array_equal(np.asarray(opened(content).convert("RGB")), TABLE[frames[0]])
        assert opened(content).info["duration"] == 200 * len(order)


@pytest.mark.parametrize(
    "lay_out",
    [
        pytest.param(lambda frames: frames[:, ::2, ::3], id="strided"),
        pytest.param(lambda frames: frames.swapaxes(1, 2), id="transposed"),
        pytest.param(lambda frames: np.broadcast_to(frames[:1], frames.shape), id="read-only"),
    ],
)
def test_gif_of_large_frames_in_any_layout(lay_out):
    frames = lay_out(RANDOM.integers(0, 256, (3, 400, 420), dtype=np.uint8))
    np.testing.assert_array_equal(timeline(gif.encode(frames, TABLE, 200), 200)[-1], TABLE[frames[-1]])


def test_gif_frames_that_differ_in_one_pixel():
    frames = np.tile(np.arange(256, dtype=np.uint8).reshape(16, 16), (4, 1, 1))
    frames[1, 3, 5], frames[2, 15, 15], frames[3, 0, 0] = 240, 0, 255
    np.testing.assert_array_equal(timeline(gif.encode(frames, TABLE, 2000), 2000), TABLE[frames])
