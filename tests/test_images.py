"""Test images: found, decoded whatever their kind, and turned into what a model takes."""

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from generator import images
from generator.core.errors import ImageError
from generator.inputs import find_inputs

RED, BLUE = (255, 0, 0), (0, 0, 255)


def saved(folder, name: str, picture, **options):
    """Save an array or a picture and return its path."""
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(folder / name, **options)
    return folder / name


def noise(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that promises a picture of this size and has none."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


def names(folder) -> list[str]:
    return [path.name for path in images.find_images(folder)]


def touched(folder, *paths: str):
    for path in paths:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).touch()
    return folder


def test_images_come_in_natural_order(tmp_path):
    touched(
        tmp_path, "img10.png", "img2.PNG", "b.webp", "IMG1.jpeg", "a 3.JPG", "a 20.gif", "7.tiff", "c.bmp"
    )
    expected = ["7.tiff", "a 3.JPG", "a 20.gif", "b.webp", "c.bmp", "IMG1.jpeg", "img2.PNG", "img10.png"]
    assert names(tmp_path) == expected


@pytest.mark.parametrize("name", ["5²5.png", "img2³2.png", "²x.png", "٣٤.png", "①1.png"])
def test_numbers_that_are_no_ascii_digits_can_be_sorted(tmp_path, name):
    touched(tmp_path, name, "z10.png", "z9.png")
    assert sorted(names(tmp_path)) == sorted([name, "z10.png", "z9.png"])
    assert names(tmp_path).index("z9.png") < names(tmp_path).index("z10.png")


def test_only_pictures_directly_in_the_folder_count(tmp_path):
    touched(tmp_path, "a.png", "notes.txt", "deeper/b.png", "png", ".png", "c.tif")
    (tmp_path / "folder.png").mkdir()
    assert names(tmp_path) == ["a.png", "c.tif"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ImageError, match=r"expected a folder of images.*No such file"):
        images.find_images(tmp_path / "nowhere")
    with pytest.raises(ImageError, match="expected a folder of images"):
        images.find_images(touched(tmp_path, "file") / "file")


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(ImageError, match=r"expected images \(.*\.webp.*\) in .*, received none"):
        images.find_images(touched(tmp_path, "notes.txt"))


def test_digests_are_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert images.digest(tmp_path / "x") == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [("x.png", {}), ("x.bmp", {}), ("x.tif", {}), ("x.TIFF", {}), ("x.webp", {"lossless": True})],
)
def test_lossless_formats_are_decoded_exactly(tmp_path, name, options):
    decoded = images.decode(images.read(saved(tmp_path, name, noise(), **options)))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, noise())


@pytest.mark.parametrize(
    ("mode", "pixels", "expected"),
    [
        ("L", [0, 77, 255], [(0,) * 3, (77,) * 3, (255,) * 3]),
        ("1", [0, 255], [(0,) * 3, (255,) * 3]),
        ("LA", [(0, 0), (100, 255), (0, 128)], [(255,) * 3, (100,) * 3, (127,) * 3]),
        ("RGBA", [(9, 9, 9, 0), (1, 2, 3, 255), (255, 0, 0, 51)], [(255,) * 3, (1, 2, 3), (255, 204, 204)]),
    ],
)
def test_modes_of_png(tmp_path, mode, pixels, expected):
    picture = Image.new(mode, (len(pixels), 1))
    picture.putdata(pixels)
    assert images.decode(images.read(saved(tmp_path, "x.png", picture))).tolist() == [
        [list(each) for each in expected]
    ]


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_palettes_with_a_transparent_entry_lie_on_white(tmp_path, ending):
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    picture.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 250])
    path = saved(tmp_path, f"x.{ending}", picture, transparency=1)
    assert images.decode(images.read(path)).tolist() == [[[10, 20, 30], [255, 255, 255], [0, 0, 250]]]


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("x.png", np.uint16([0, 128 * 257, 65535]), [0, 128, 255]),
        ("x.tif", np.uint16([0, 257, 65535]), [0, 1, 255]),
        ("x.tif", np.float32([0, 0.2, 1]), [0, 51, 255]),
        ("x.tif", np.float32([-1, np.nan, 0.4]), [0, 0, 102]),
        ("x.tif", np.float32([0, 100, 255]), [0, 100, 255]),
    ],
)
def test_grey_of_more_than_8_bits(tmp_path, name, values, expected):
    decoded = images.decode(images.read(saved(tmp_path, name, values[None])))
    assert decoded.tolist() == [[[value] * 3 for value in expected]]


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    path = saved(tmp_path, "x.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)
    assert np.abs(images.decode(images.read(path)).astype(int) - RED).max() <= 4


def test_animated_gifs_give_their_first_frame(tmp_path):
    first, second = Image.new("RGB", (6, 4), RED), Image.new("RGB", (6, 4), BLUE)
    path = saved(tmp_path, "x.gif", first, save_all=True, append_images=[second])
    assert (images.decode(images.read(path)) == RED).all()


@pytest.mark.parametrize(
    ("orientation", "shape", "red"),
    [
        (1, (16, 32), np.s_[:, :12]),
        (2, (16, 32), np.s_[:, 20:]),
        (3, (16, 32), np.s_[:, 20:]),
        (6, (32, 16), np.s_[:12]),
        (8, (32, 16), np.s_[20:]),
    ],
)
def test_photos_are_turned_upright(tmp_path, orientation, shape, red):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16], pixels[:, 16:] = RED, BLUE
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = images.decode(images.read(saved(tmp_path, "x.jpg", pixels, exif=exif, quality=95))).astype(int)
    assert decoded.shape == (*shape, 3)
    assert np.abs(decoded[red] - RED).max() < 20
    assert (np.abs(decoded - BLUE).max(axis=-1) < 20).sum() > 16 * 10


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "tif", "gif"])
def test_truncated_files_are_an_error(tmp_path, ending):
    path = saved(tmp_path, f"x.{ending}", noise())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert_unreadable(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 500, b"hello\nworld", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"x" * 90, b"GIF89a"],
    ids=["empty", "zeros", "text", "png start", "jpeg start", "gif start"],
)
def test_files_that_are_no_pictures_are_an_error(tmp_path, content):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    assert_unreadable(path)


@pytest.mark.parametrize("size", [(10_000, 8_000), (12_000, 12_000), (60_000, 60_000), (2**31 - 1, 1)])
def test_pictures_of_too_many_pixels_are_an_error(tmp_path, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(*size))
    assert "pixels" in assert_unreadable(path)


def test_other_formats_are_not_decoded_whatever_their_ending(tmp_path):
    assert_unreadable(saved(tmp_path, "x.png", noise(), format="PPM"))


def test_a_file_that_vanished_is_an_error(tmp_path):
    assert_unreadable(tmp_path / "gone.png")


def test_the_scans_of_a_photo_are_counted_to_its_end(tmp_path):
    path = saved(tmp_path, "x.jpg", noise(), comment=b"\xff\xda" * 200)
    path.write_bytes(path.read_bytes() + b"\xff\xda" * 200)  # as the films that phones append
    assert images.decode(images.read(path)).shape == noise().shape


def test_a_file_that_is_too_large_is_not_read_and_is_no_end_of_the_others(tmp_path):
    saved(tmp_path, "good.png", noise())
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(images.LARGEST_FILE + 10**8)  # takes no space
    good, large = find_inputs(tmp_path)
    assert good.digest and not good.error
    assert (large.digest, large.error) == ("", "expected at most 1 GB, received 1.1 GB: make it smaller")


def assert_unreadable(path) -> str:
    """Check that decoding fails with a message of one line, and return it."""
    with pytest.raises(ImageError, match=r"^expected .* received ") as caught:
        images.decode(images.read(path))
    assert re.fullmatch(r"[^\r\n]+", str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("shape", [(8, 12, 3), (50, 20, 3), (8, 12, 1), (1, 1, 3)])
def test_prepared_images_have_the_shape_of_the_input(shape):
    original = np.full((30, 20, 3), RED, np.uint8)
    prepared = images.Preparation("0..255").apply(original, shape)
    assert prepared.original is original
    assert prepared.seen.shape == prepared.values.shape == shape
    assert (prepared.seen.dtype, prepared.values.dtype) == (np.uint8, np.float32)
    assert (prepared.seen == (RED if shape[2] == 3 else 76)).all()
    assert (prepared.values == prepared.seen).all()


def test_images_are_stretched_and_not_cropped():
    original = np.zeros((40, 20, 3), np.uint8)
    original[:20], original[20:] = RED, BLUE
    seen = images.Preparation("0..1").apply(original, (8, 30, 3)).seen
    assert (seen[:3] == RED).all()
    assert (seen[5:] == BLUE).all()


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    seen = images.Preparation("0..1").apply(stripes, (8, 8, 3)).seen
    assert np.abs(seen.astype(int) - 128).max() <= 12


@pytest.mark.parametrize(
    ("filling", "channels", "words"),
    [((), 4, "4 channels, received none: add for example --channels R,G,B,0"),
     ((), 2, "--channels R,G"), (("R", "G"), 3, "received 2 in --channels")],
)  # fmt: skip
def test_what_fills_other_channels_has_to_be_said(filling, channels, words):
    with pytest.raises(ImageError, match=words):
        images.check_channels(filling, channels)


def test_channels_are_filled_as_wanted():
    original = noise()
    images.check_channels((), 1)
    images.check_channels(("B", "G", "R"), 3)
    images.check_channels(("R", "G", "B", "L", "17"), 5)
    height, width = original.shape[:2]
    prepared = images.Preparation("0..255", ("B", "17", "R", "L")).apply(original, (height, width, 4))
    np.testing.assert_array_equal(prepared.values[..., 0], original[..., 2])
    assert (prepared.values[..., 1] == 17).all()
    np.testing.assert_array_equal(prepared.values[..., 2], original[..., 0])
    grey = original @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(prepared.values[..., 3], grey, atol=1)
    np.testing.assert_array_equal(prepared.seen, original)


@pytest.mark.parametrize(
    ("given", "sides", "size"),
    [((30, 40), (8, 9), (8, 9)), ((30, 40), (None, None), (30, 40)), ((300, 400), (None, None), (75, 100)),
     ((30, 40), (60, None), (60, 80)), ((30, 40), (None, 20), (15, 20)), ((1, 400), (None, None), (1, 100)),
     ((10, 400), (60, None), (60, 100))],
)  # fmt: skip
def test_open_sides_follow_the_picture(given, sides, size):
    assert images.fit_sides(given, sides, 100) == size


@pytest.mark.parametrize(
    ("pixels", "colour", "grey"),
    [
        ("0..255", [255, 0, 51], 100),
        ("0..1", [1, 0, 0.2], 100 / 255),
        ("-1..1", [1, -1, -0.6], -0.2156863),
        ("caffe", [-52.939, -116.779, 131.32], -14.799333),
        ("torch", [2.2489083, -2.0357143, -0.9155556], -0.2515183),
    ],
)
def test_pixel_conventions(pixels, colour, grey):
    scaled = images.scale_pixels(np.array([[[255, 0, 51]]], np.uint8), pixels)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0, 0], colour, rtol=1e-5)
    scaled = images.scale_pixels(np.array([[[100]]], np.uint8), pixels)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [[[grey]]], rtol=1e-5)
    assert images.scale_pixels(np.zeros((2, 3, 4), np.uint8), pixels).shape == (2, 3, 4)


def test_unknown_pixel_conventions_do_not_pass():
    with pytest.raises(ValueError, match="pixel convention"):
        images.scale_pixels(np.zeros((1, 1, 3), np.uint8), "0..2")


@pytest.mark.parametrize(
    ("setting", "value_range", "expected"),
    [
        ("auto", (0, 255), "0..255"),
        ("auto", (0, 1), "0..1"),
        ("auto", None, "0..1"),
        ("caffe", (0, 255), "caffe"),
        ("0..1", (0, 255), "0..1"),
    ],
)
def test_the_model_decides_on_pixels_unless_told(setting, value_range, expected):
    assert images.choose_pixels(setting, value_range) == expected
    assert expected in images.PIXELS_IN_WORDS


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("image file is truncated (7 canary bytes not processed)"), "a file that is cut short"),
        (EOFError("canary"), "a file that is cut short"),
        (NotImplementedError("canary"), "a kind of picture that is not supported"),
        (OSError("decoder canary not available"), "a kind of picture that is not supported"),
        (SyntaxError("broken PNG file canary"), "a damaged file"),
        (OSError(5, "Input/output error", "/home/canary/x.png"), "Input/output error"),
    ],
)
def test_what_a_decoder_says_of_a_file_is_on_no_page(monkeypatch, caplog, error, words):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(images.Image, "open", fail)
    with caplog.at_level("INFO"), pytest.raises(ImageError) as caught:
        images.decode(b"x")
    assert str(caught.value) == f"expected a readable picture, received {words}: replace or remove it"
    assert ("canary" in caplog.text) == (getattr(error, "errno", None) is None)
