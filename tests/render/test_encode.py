"""From arrays to the bytes of picture files, decoded again by other means."""

import io

import imageio.v3 as imageio
import matplotlib
import numpy as np
import pytest
from PIL import Image

from generator.core.errors import SettingsError
from generator.render import captions, gif, palette, photos, png

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


def test_colour_tables_run_from_end_to_end():
    assert TABLE.shape == (256, 3)
    assert TABLE[0].tolist() == [68, 1, 84]
    assert TABLE[239].tolist() == list(matplotlib.colormaps["viridis"](1.0, bytes=True)[:3])
    grey = palette.colour_table("gray")
    assert grey[0].tolist() == [0, 0, 0]
    assert grey[239].tolist() == [255, 255, 255]
    assert (np.diff(grey[:240, 0].astype(int)) >= 0).all()


def test_special_colours_are_the_same_in_every_table_and_all_differ():
    special = palette.colour_table("magma")[240:246]
    np.testing.assert_array_equal(TABLE[240:246], special)
    assert len({tuple(colour) for colour in special[:5]}) == 5


def test_captions_go_from_the_background_to_light_grey():
    assert TABLE[246].tolist() == [24, 27, 33]
    assert TABLE[255].tolist() == [240, 242, 246]


@pytest.mark.parametrize("name", ["virdis", "", "Viridis!"])
def test_unknown_colour_maps_are_an_error(name):
    with pytest.raises(SettingsError, match="matplotlib colour map") as caught:
        palette.colour_table(name)
    assert repr(name) in str(caught.value)


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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [1, 3])
def test_what_the_model_sees_is_kept_exactly(channels, factor):
    pixels = RANDOM.integers(0, 256, (4, 6, channels), dtype=np.uint8)
    decoded = imageio.imread(png.encode_pixels(pixels, factor), extension=".png", mode="RGB")
    assert decoded.shape == (4 * factor, 6 * factor, 3)
    for row in range(4 * factor):
        for column in range(6 * factor):
            assert (decoded[row, column] == pixels[row // factor, column // factor]).all()


@pytest.mark.parametrize("lines", [("one",), ("one", "two"), ("", "x", "")])
@pytest.mark.parametrize("font_size", [13, 25])
def test_captions_have_a_line_for_each_text_and_only_ink(lines, font_size):
    caption = captions.caption(lines, 120, font_size)
    assert caption.dtype == np.uint8
    assert caption.shape == (captions.caption_height(len(lines), font_size), 120)
    assert caption.min() == 246
    assert caption.max() >= 254
    height = caption.shape[0] // len(lines)
    assert height > font_size
    for number, line in enumerate(lines):
        assert (caption[height * number : height * (number + 1)] > 250).any() == bool(line)


@pytest.mark.parametrize("font_size", [13, 25])
def test_captions_have_room_around_their_letters(font_size):
    caption = captions.caption(("Ågjpqy",), 200, font_size)
    assert (caption[[0, -1]] == 246).all()
    assert (caption[:, :3] == 246).all()


def test_captions_that_do_not_fit_are_shortened():
    caption = captions.caption(("convolution " * 50,), 150)
    assert caption.shape == (captions.caption_height(1), 150)
    assert (caption[:, 145:] == 246).all()
    assert (caption[:, 115:145] > 246).any()
    np.testing.assert_array_equal(caption, captions.caption(("convolution " * 60,), 150))
    assert (caption != captions.caption(("convolution",), 150)).any()


@pytest.mark.parametrize(
    "text", ["😀😀", "层 conv", "tab\there", "nul\0", "\ud800", "e\u0301", "\u202e rtl", "M" * 900]
)
def test_captions_take_any_text(text):
    assert captions.caption((text,), 90).shape == (captions.caption_height(1), 90)


def test_captions_keep_line_breaks_out():
    np.testing.assert_array_equal(captions.caption(("a\nb\r\n",), 90), captions.caption(("a b",), 90))


@pytest.mark.parametrize("width", [1, 12, 20])
def test_captions_without_room(width):
    assert captions.caption(("some text",), width).shape == (captions.caption_height(1), width)
