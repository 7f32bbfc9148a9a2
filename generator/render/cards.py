"""Pictures that stand for a page where others link to it, made from arrays. Nothing is written here."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from generator.core import sequences
from generator.core.records import Layer, Thumbnails
from generator.render import captions, palette, photos

WIDTH, HEIGHT = 1200, 630  # pixels: 1.91:1, as links are shown (https://ogp.me asks for no size)
MARGIN, GAP = 40, 16
TITLE_SIZE, LINE_SIZE = 44, 28
TOP = MARGIN + captions.caption_height(1, TITLE_SIZE) + captions.caption_height(1, LINE_SIZE) + GAP
PHOTO_WIDTH, IMAGE_COLUMNS, IMAGE_ROWS = 380, 3, 2
GALLERY_COLUMNS, GALLERY_ROWS = 4, 2
GALLERY_LINE = "What each layer makes of a picture"
QUALITY = 85
Box = tuple[int, int, int, int]  # left, top, width and height in pixels


def image_card_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return those of the layers with grids whose grids are on an image's card, from first to last."""
    chosen = sequences.evenly_spaced(len(layers), IMAGE_COLUMNS * IMAGE_ROWS)
    return tuple(layers[index] for index in chosen)


def gallery_card_layers(layers: Sequence[Layer], images: int) -> tuple[Layer, ...]:
    """Return the layers whose grids are on the card of a gallery of so many images: ever deeper ones.

    There is one for each image on the card, where there are as many `layers` with grids.
    """
    chosen = sequences.evenly_spaced(len(layers), min(images, GALLERY_COLUMNS))
    return tuple(layers[index] for index in chosen)


def thumbnail_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return all layers that `gallery_card_layers` may choose, whatever the number of images."""
    chosen = [gallery_card_layers(layers, images) for images in range(1, GALLERY_COLUMNS + 1)]
    return tuple({layer.slug: layer for each in chosen for layer in each}.values())


def image_card(title: str, line: str, photo: np.ndarray, grids: Sequence[np.ndarray]) -> bytes:
    """Return a JPEG of `WIDTH` × `HEIGHT` pixels: an image, what the model says, grids from first to last.

    `photo` and `grids`, uint8 (height, width, 3), are placed as they are: fit them into `photo_box` and
    `grid_box`.
    """
    return _card(title, line, [photo, *grids], [_photo_place(), *_grid_places()])


def photo_box() -> tuple[int, int]:
    """Return the width and height in pixels of an image on its card."""
    return _photo_place()[2:]


def grid_box() -> tuple[int, int]:
    """Return the width and height in pixels of each grid on an image's card."""
    return _grid_places()[0][2:]


def gallery_card(title: str, images: Sequence[Thumbnails], layers: Sequence[Layer]) -> bytes:
    """Return a JPEG of `WIDTH` × `HEIGHT` pixels: the first images, each above one grid, ever deeper.

    `images` are those that were drawn, or the first of them, `layers` those that have grids.
    """
    images = images[:GALLERY_COLUMNS]
    chosen = gallery_card_layers(layers, len(images))
    photos = [decode_thumbnail(each.photo) for each in images]
    grids = [
        decode_thumbnail(each.grids[layer.slug]) for each, layer in zip(images, chosen, strict=False)
    ]  # a model may have fewer layers than there are images
    places = _gallery_places()
    below = places[GALLERY_COLUMNS:]
    return _card(title, GALLERY_LINE, [*photos, *grids], [*places[: len(photos)], *below[: len(grids)]])


def gallery_box() -> tuple[int, int]:
    """Return the width and height in pixels of each picture on a gallery's card."""
    return _gallery_places()[0][2:]


def encode_thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 (height, width, 3), fitted into `gallery_box`, as the bytes of a JPEG, uint8 (bytes,)."""
    content = photos.save(Image.fromarray(fit(pixels, gallery_box())), "JPEG", quality=QUALITY)
    return np.frombuffer(content, np.uint8)


def decode_thumbnail(content: np.ndarray) -> np.ndarray:
    """Return what `encode_thumbnail` was given, uint8 (height, width, 3)."""
    with Image.open(io.BytesIO(content.tobytes())) as opened:
        return np.asarray(opened)


def fit(pixels: np.ndarray, box: tuple[int, int]) -> np.ndarray:
    """Return uint8 (height, width, 3), scaled to fit into a box of (width, height) pixels."""
    picture = Image.fromarray(pixels)
    scale = min(box[0] / picture.width, box[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    # values stay squares where they grow, and none is skipped where they shrink
    return np.asarray(picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX))


def _photo_place() -> Box:
    return MARGIN, TOP, PHOTO_WIDTH, HEIGHT - TOP - MARGIN


def _grid_places() -> list[Box]:
    left = MARGIN + PHOTO_WIDTH + GAP
    return _boxes(left, WIDTH - left - MARGIN, IMAGE_COLUMNS, IMAGE_ROWS)


def _gallery_places() -> list[Box]:
    return _boxes(MARGIN, WIDTH - 2 * MARGIN, GALLERY_COLUMNS, GALLERY_ROWS)


def _boxes(left: int, width: int, columns: int, rows: int) -> list[Box]:
    """Return equal boxes, row by row, from `left` and below the title."""
    across = (width - GAP * (columns - 1)) // columns
    down = (HEIGHT - TOP - MARGIN - GAP * (rows - 1)) // rows
    return [
        (left + column * (across + GAP), TOP + row * (down + GAP), across, down)
        for row in range(rows)
        for column in range(columns)
    ]


def _card(title: str, line: str, pictures: Sequence[np.ndarray], places: Sequence[Box]) -> bytes:
    """Draw pictures, uint8 (height, width, 3), into the upper left corners of their places, below two lines.

    There may be fewer pictures than places.
    """
    table = palette.special_table()
    card = Image.new("RGB", (WIDTH, HEIGHT), palette.BACKGROUND_COLOUR)
    top = MARGIN - GAP
    for text, size in ((title, TITLE_SIZE), (line, LINE_SIZE)):
        written = table[captions.caption((text,), WIDTH - 2 * MARGIN + size, size)]
        card.paste(Image.fromarray(written), (MARGIN - size // 2, top))
        top += written.shape[0]
    for picture, (left, upper, _, _) in zip(pictures, places, strict=False):
        card.paste(Image.fromarray(picture), (left, upper))
    return photos.save(card, "JPEG", quality=QUALITY, optimize=True)
