"""Test images: find, decode, validate, and turn into what a model takes."""

import hashlib
import io
import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from generator.core.errors import ImageError
from generator.core.records import PreparedImage

logger = logging.getLogger(__name__)
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
}
DEFAULT_CHANNELS = {1: ("L",), 3: ("R", "G", "B")}
LARGEST = 64_000_000  # pixels; a decoded picture of this size takes 256 MB
LARGEST_FILE = 1_000_000_000  # bytes
MOST_SCANS = 100  # of a JPEG: each is decoded over the whole picture, and real ones have a dozen
MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")  # of a JPEG, where a length follows; or its end
PIECE = 1 << 20  # values that are brought to 8 bits at once
CUT_SHORT = re.compile(r"(?i)truncated|end of file|not enough|no data")
UNSUPPORTED = re.compile(r"(?i)unsupported|not supported|not available|unknown")

# keras.applications.imagenet_utils.preprocess_input, modes "caffe" and "torch"
CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red
TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
TORCH_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

PIXELS_IN_WORDS = {
    "0..1": "divided by 255 to 0…1",
    "0..255": "left as 0…255",
    "-1..1": "scaled to −1…1",
    "caffe": "0…255 in the order blue, green, red, less the ImageNet means (Caffe's convention)",
    "torch": "0…1, less the ImageNet means, over their deviations (PyTorch's convention)",
}


def find_images(folder: Path) -> list[Path]:
    """Return the picture files directly in `folder`, hidden ones left out, in natural order (img2, img10).

    Raises `ImageError` when the folder is missing or has no pictures in it.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise ImageError(
            f"expected a folder of images, received {folder}: {error.strerror}: check the path"
        ) from error
    paths = [path for path in files if path.suffix.lower() in FORMATS]
    if not paths:
        endings = ", ".join(FORMATS)
        raise ImageError(f"expected images ({endings}) in {folder}, received none: put at least one there")
    return sorted(paths, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> tuple:
    """Return a sort key under which numbers in `name` count as numbers and case comes last."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> bytes:
    """Return the bytes of a picture file of at most a gigabyte.

    Raises `ImageError`, with the system's error as its cause where the system could not read the file.
    """
    try:
        check_file(path)
        return path.read_bytes()
    except OSError as error:  # which names the whole path
        reason = error.strerror or type(error).__name__
        raise ImageError(f"expected a readable picture, received {reason}: replace or remove it") from error


def decode(content: bytes) -> np.ndarray:
    """Return a picture as uint8 (height, width, 3): upright, first frame, on white where transparent.

    16-bit grey is brought to 8 bits. Floating-point grey is taken as 0…1, as 0…255 where it reaches 2, and as
    16-bit where it exceeds 255.
    `content` are the bytes of its file. Raises `ImageError` for what is no readable picture of at most 64
    million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; what matters raises
            with Image.open(io.BytesIO(content), formats=sorted(set(FORMATS.values()))) as image:
                width, height = image.size
                if width * height > LARGEST:
                    raise ImageError(
                        f"expected at most {LARGEST:,} pixels, received {width}×{height}: make it smaller"
                    )
                if image.format in ("JPEG", "MPO"):
                    _check_scans(content)
                image.seek(0)
                return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError:
        raise ImageError("expected a picture, received a file that is none: replace or remove it") from None
    except Image.DecompressionBombError:
        raise ImageError(f"expected at most {LARGEST:,} pixels, received more: make it smaller") from None
    except ImageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # decoders raise almost anything on damaged files
        system = error if getattr(error, "errno", None) else None  # decoders raise OSError without a number
        reason = error.strerror if system else _damage(error)  # the system's errors name the whole path
        raise ImageError(f"expected a readable picture, received {reason}: replace or remove it") from system


def _damage(error: Exception) -> str:
    """Return what is wrong with a picture: pages have this, and never what a decoder says of a file."""
    text = str(error)
    logger.info("%s: %s", type(error).__name__, " ".join(text.split()))
    if isinstance(error, EOFError) or CUT_SHORT.search(text):
        return "a file that is cut short"
    if isinstance(error, NotImplementedError) or UNSUPPORTED.search(text):
        return "a kind of picture that is not supported"
    return "a damaged file"


def check_file(path: Path) -> None:
    """Raise `ImageError` for a file that is too large to be looked at, `OSError` where there is none."""
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise ImageError(f"expected at most 1 GB, received {size / 1e9:.1f} GB: make it smaller")


def _check_scans(content: bytes) -> None:
    """Raise `ImageError` for a JPEG of so many scans that a small file takes minutes."""
    scans, place = 0, 2
    while (found := MARKER.search(content, place)) and found[1] != b"\xd9":
        scans += found[1] == b"\xda"
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    if scans > MOST_SCANS:
        raise ImageError(f"expected a JPEG of at most {MOST_SCANS} scans, received {scans:,}: save it anew")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).reshape(-1)
    top = values.max(initial=0, where=np.isfinite(values))
    narrow = 1 if image.mode == "F" and top < 2 else 255
    unit = 65535 if image.mode.startswith("I;16") or top > 255 else narrow
    grey = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), PIECE):  # all at once would take up to two gigabytes
        piece = slice(start, start + PIECE)
        exact = np.nan_to_num(values[piece].astype(np.float64), posinf=np.inf, neginf=-np.inf)
        grey[piece] = np.clip(exact / unit, 0, 1) * 255 + 0.5
    return Image.fromarray(grey.reshape(image.height, image.width))


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a model's input: its pixel convention, what fills the channels, the longest side.

    `channels` has "R", "G", "B", "L" (grey) or a number of 0…255 for each channel; none means RGB for three
    channels and grey for one. `longest` bounds the sides that a model leaves open.
    """

    pixels: str
    channels: tuple[str, ...] = ()
    longest: int = 512

    def apply(self, original: np.ndarray, input_shape: Sequence[int | None]) -> PreparedImage:
        """Resize uint8 (height, width, 3) to (height, width, channels) and scale its values.

        The picture is stretched to the input's shape, as training pipelines do, and averaged where it
        shrinks; where the shape is open it keeps its own.
        """
        *sides, channels = input_shape
        size = fit_sides(original.shape[:2], sides, self.longest)
        image = Image.fromarray(original).resize(size[::-1], Image.Resampling.BILINEAR)
        filling = self.channels or DEFAULT_CHANNELS[channels]
        stack = np.stack([_plane(image, each) for each in filling], axis=-1)
        seen = stack if channels in DEFAULT_CHANNELS else np.asarray(image)
        return PreparedImage(original, seen, scale_pixels(stack, self.pixels))


def check_channels(channels: Sequence[str], wanted: int) -> None:
    """Raise `ImageError` unless it is known what fills each of the model's channels."""
    if len(channels or DEFAULT_CHANNELS.get(wanted, ())) != wanted:
        received = f"{len(channels)} in --channels" if channels else "none"
        example = ",".join(("R", "G", "B", *"0" * wanted)[:wanted])
        raise ImageError(
            f"expected what fills each of the model's {wanted} channels, received {received}: "
            f"add for example --channels {example}"
        )


def fit_sides(given: Sequence[int], sides: Sequence[int | None], longest: int) -> tuple[int, int]:
    """Return (height, width): the known sides, the open ones in proportion to `given`, at most `longest`."""
    height, width = given
    match tuple(sides):
        case (None, None):
            scale = min(1, longest / max(height, width))
        case (None, known):
            scale = known / width
        case (known, None):
            scale = known / height
        case _:
            scale = 1
    pairs = zip(sides, given, strict=True)
    return tuple(side or min(longest, max(1, round(each * scale))) for side, each in pairs)


def _plane(image: Image.Image, filling: str) -> np.ndarray:
    if filling in "RGB":
        return np.asarray(image.getchannel(filling))
    if filling == "L":
        return np.asarray(image.convert("L"))
    return np.full(image.size[::-1], int(filling), np.uint8)


def scale_pixels(seen: np.ndarray, pixels: str) -> np.ndarray:
    """Return uint8 pixel values as float32 of the same shape, scaled by the convention `pixels`."""
    values = seen.astype(np.float32)
    match pixels:
        case "0..255":
            return values
        case "0..1":
            return values / np.float32(255)
        case "-1..1":
            return values / np.float32(127.5) - np.float32(1)
        case "caffe":
            return values[..., ::-1] - (CAFFE_MEAN if values.shape[-1] == 3 else CAFFE_MEAN.mean())
        case "torch":
            mean, deviation = TORCH_MEAN, TORCH_DEVIATION
            if values.shape[-1] != 3:
                mean, deviation = mean.mean(), deviation.mean()
            return (values / np.float32(255) - mean) / deviation
    raise ValueError(f"expected a pixel convention, received {pixels!r}")


def choose_pixels(setting: str, value_range: tuple[int, int] | None) -> str:
    """Return the convention to use: the setting, or for "auto" what the model's first layer expects."""
    if setting != "auto":
        return setting
    return "0..255" if value_range == (0, 255) else "0..1"
