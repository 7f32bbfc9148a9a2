"""Pictures of layers, decoded and compared with pictures made here pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from generator.core.records import Layer, RenderTask, Singles
from generator.render import captions, layer_pictures, palette
from generator.render.palette import BACKGROUND, CONSTANT

TABLE = palette.colour_table("viridis")
STYLE = layer_pictures.Style("channel", TABLE)


def layer_of(maps: np.ndarray, name: str = "conv") -> Layer:
    return Layer(
        index=3,
        name=name,
        kind="Conv2D",
        family="convolution",
        shape=maps.shape,
        parameters=0,
        slug="3-conv",
        same_as=None,
        reason=None,
    )


def task_of(maps: np.ndarray, frames=(), singles: bool = True) -> RenderTask:
    drawn = Singles("cat", maps.shape[2], tuple(range(maps.shape[2] if singles else 0)))
    return RenderTask(
        image="cat",
        layer=layer_of(maps),
        grid="grid.png",
        small="small.png",
        maps="maps.js",
        singles=drawn,
        frames=frames,
    )


def levels(height: int, width: int, channels: int) -> np.ndarray:
    """Return maps whose values are their own palette indices: whole numbers from 0 to 239."""
    maps = np.random.default_rng(6).integers(0, 240, (height, width, channels)).astype(np.float32)
    maps[0, 0], maps[-1, -1] = 0, 239
    return maps


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def frame_of(maps: np.ndarray, side: int) -> np.ndarray:
    ranges = np.stack([maps.min(axis=(0, 1)), maps.max(axis=(0, 1))], axis=1).astype(np.float64)
    return layer_pictures.layer_frame(layer_of(maps), maps, ranges, side)


def test_a_grid_pixel_by_pixel():
    # 3 × 4 pixels enlarged 8 times are cells of 24 × 32; 5 of them make 2 columns or more
    maps = levels(3, 4, 5)
    result = layer_pictures.render_layer(task_of(maps), maps, STYLE)
    picture = decoded(result.files["grid.png"])
    height, width = picture.shape[:2]
    columns = (width - 1) // 33
    rows = (height - 1) // 25
    assert (height, width) == (rows * 25 + 1, columns * 33 + 1)
    assert (rows - 1) * columns < 5 <= rows * columns
    assert (result.layer.grid.path, result.layer.enlarged) == ("grid.png", 8)
    assert (result.layer.grid.width, result.layer.grid.height) == (width, height)
    for y in range(height):
        for x in range(width):
            channel = y // 25 * columns + x // 33
            line = y % 25 == 0 or x % 33 == 0
            index = 240 if line or channel >= 5 else int(maps[(y % 25 - 1) // 8, (x % 33 - 1) // 8, channel])
            assert picture[y, x].tolist() == TABLE[index].tolist()


@pytest.mark.parametrize(
    ("shape", "size"), [((8, 8, 3), (128, 128)), ((6, 10, 2), (78, 130)), ((140, 30, 1), (140, 30))]
)
def test_single_channels_have_a_picture_each(shape, size):
    maps = levels(*shape)
    result = layer_pictures.render_layer(task_of(maps), maps, STYLE)
    assert len(result.files) == shape[2] + 2
    assert dict(result.layer.singles) == {c: f"cat/channel-{c}.png" for c in range(shape[2])}
    factor = size[0] // shape[0]
    for channel in result.layer.singles:
        picture = result.layer.single(channel)
        assert (picture.height, picture.width) == size
        expected = np.kron(maps[..., channel], np.ones((factor, factor))).astype(int)
        np.testing.assert_array_equal(decoded(result.files[picture.path]), TABLE[expected])


def test_no_single_channels_unless_asked_for():
    maps = levels(8, 8, 3)
    result = layer_pictures.render_layer(task_of(maps, singles=False), maps, STYLE)
    assert set(result.files) == {"grid.png", "maps.js"}
    assert result.layer.singles == {}
    assert result.frames.size == 0


def test_ranges_and_statistics_are_those_of_the_maps():
    maps = np.array([[[1, -5], [3, 0]], [[2, 0], [np.nan, 5]]], np.float32)
    result = layer_pictures.render_layer(task_of(maps), maps, layer_pictures.Style("layer", TABLE))
    assert result.layer.ranges.tolist() == [[-5, 5], [-5, 5]]
    assert result.layer.numbers.statistics.maximum.tolist() == [3, 5]
    assert result.layer.numbers.statistics.flawed.tolist() == [1, 0]


def test_maps_are_not_changed():
    maps = levels(8, 8, 3)
    before = maps.copy()
    maps.flags.writeable = False
    layer_pictures.render_layer(task_of(maps, (0, 1)), maps, STYLE)
    np.testing.assert_array_equal(maps, before)


def test_animated_channels_are_kept_as_they_are_drawn():
    maps = levels(8, 10, 5)
    frames = layer_pictures.render_layer(task_of(maps, (0, 3)), maps, STYLE).frames
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, np.moveaxis(maps[..., [0, 3]], -1, 0))


@pytest.mark.parametrize(
    ("size", "kept"), [((256, 100), (256, 100)), ((257, 100), (129, 50)), ((90, 513), (30, 171))]
)
def test_large_maps_are_averaged_for_animations(size, kept):
    maps = levels(*size, 2)
    frames = layer_pictures.render_layer(task_of(maps, (1,), singles=False), maps, STYLE).frames
    assert frames.shape == (1, *kept)
    factor = -(-max(size) // 256)
    assert abs(int(frames[0, 1, 1]) - maps[factor : 2 * factor, factor : 2 * factor, 1].mean()) <= 0.51


def test_a_pattern_that_averages_out_is_not_drawn_as_constant():
    maps = (np.indices((512, 512)).sum(axis=0) % 2).astype(np.float32)[..., None]
    frames = layer_pictures.render_layer(task_of(maps, (0,), singles=False), maps, STYLE).frames
    assert CONSTANT not in frames
    assert set(frames.ravel()) <= {119, 120}


@pytest.mark.parametrize(
    "shape", [(8, 8, 3), (1, 1, 40), (24, 60, 7), (300, 300, 5), (5, 500, 2), (13, 13, 300)]
)
@pytest.mark.parametrize("side", [256, 704])
def test_layer_frames_fit_their_canvas(shape, side):
    maps = levels(*shape)
    frame = frame_of(maps, side)
    assert frame.dtype == np.uint8
    assert frame.shape[1] == side
    assert frame.shape[0] <= side
    assert (frame[:19] >= 246).all()
    assert (frame[:19] > 250).any()


def test_a_layer_frame_shows_every_channel_centred():
    maps = levels(2, 2, 1)
    frame = frame_of(maps, 256)
    inside = np.argwhere(frame < BACKGROUND)
    top, left, bottom, right = *inside.min(axis=0), *inside.max(axis=0)
    factor = (bottom - top + 1) // 2
    assert factor > 90
    np.testing.assert_array_equal(
        frame[top : bottom + 1, left : right + 1], np.kron(maps[..., 0], np.ones((factor, factor)))
    )
    assert abs(left - (255 - right)) <= 1


def test_frames_over_layers_have_one_size():
    pictures = [frame_of(levels(*shape), 256) for shape in ((8, 8, 3), (5, 100, 2), (1, 1, 64))]
    frames = layer_pictures.layers_frames(pictures)
    assert frames.indices.shape == (3, max(map(len, pictures)), 256)
    assert frames.milliseconds == 2000
    for frame, picture in zip(frames.indices, pictures, strict=True):
        np.testing.assert_array_equal(frame[: len(picture)], picture)
        assert (frame[len(picture) :] == BACKGROUND).all()


def test_frames_over_channels_have_one_size_and_show_the_channels():
    shapes = [(4, 4), (100, 250), (200, 30), (1, 1)]
    maps = [levels(*shape, 3) for shape in shapes]
    channels = [each[..., 2].astype(np.uint8) for each in maps]
    triples = [(layer_of(each), 2, channel) for each, channel in zip(maps, channels, strict=True)]
    frames = layer_pictures.channels_frames(triples)
    caption = captions.caption_height(2)
    assert frames.indices.shape == (4, caption + 256, 256)
    assert frames.milliseconds == 200
    for frame, channel, factor in zip(frames.indices, channels, (64, 1, 1, 256), strict=True):
        height, width = channel.shape[0] * factor, channel.shape[1] * factor
        top, left = caption + (256 - height) // 2, (256 - width) // 2
        expected = np.full((256, 256), BACKGROUND, np.uint8)
        expected[top - caption : top - caption + height, left : left + width] = np.kron(
            channel, np.ones((factor, factor), np.uint8)
        )
        np.testing.assert_array_equal(frame[caption:], expected)
        assert (frame[:caption] >= 246).all()


def test_one_small_channel_makes_an_animation():
    maps = levels(3, 3, 1)
    frames = layer_pictures.channels_frames([(layer_of(maps, "层\n" * 80), 0, maps[..., 0].astype(np.uint8))])
    assert frames.indices.shape == (1, captions.caption_height(2) + 255, 256)


def test_wide_grids_have_a_small_one_averaged_down_on_the_same_scale():
    narrow = np.random.default_rng(0).random((40, 40, 6), np.float32)
    result = layer_pictures.render_layer(task_of(narrow), narrow, STYLE)
    assert result.layer.small == result.layer.grid
    wide = np.random.default_rng(0).random((128, 128, 20), np.float32)
    result = layer_pictures.render_layer(task_of(wide), wide, STYLE)
    grid, small = result.layer.grid, result.layer.small
    shrink = -(-grid.width // layer_pictures.SMALL_WIDTH)
    assert (small.path, small.width) == ("small.png", result.layer.columns * (-(-128 // shrink) + 1) + 1)
    low, high = result.layer.ranges[0]
    level = round((wide[:shrink, :shrink, 0].mean() - low) / (high - low) * 239)
    np.testing.assert_array_equal(decoded(result.files["small.png"])[1, 1], TABLE[level])
