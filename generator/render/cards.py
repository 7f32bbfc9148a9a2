"""Pictures that stand for a page where others link to it, made of pictures that a build has written."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from generator.core import sequences
from generator.core.records import ImageResult, Layer
from generator.render import captions, palette, photos

WIDTH, HEIGHT = 1200, 630  # pixels: 1.91:1, as links are shown (https://ogp.me asks for no size)
MARGIN, GAP = 40, 16
TITLE_SIZE, LINE_SIZE = 44, 28
TOP = MARGIN + captions.caption_height(1, TITLE_SIZE) + captions.caption_height(1, LINE_SIZE) + GAP
PHOTO_WIDTH, IMAGE_COLUMNS, IMAGE_ROWS = 380, 3, 2
GALLERY_COLUMNS = 4
QUALITY = 85
Box = tuple[int, int, int, int]  # left, top, width and height in pixels


def image_card(root: Path, result: ImageResult, layers: Sequence[Layer]) -> bytes:
    """Return a JPEG of `WIDTH` × `HEIGHT` pixels: an image, what the model says, grids from first to last.

    `root` is the folder with the pictures of `result`, `layers` those that have grids.
    """
    chosen = sequences.evenly_spaced(len(layers), IMAGE_COLUMNS * IMAGE_ROWS)
    grids = [result.layers[layers[index].slug].small.path for index in chosen]
    left = MARGIN + PHOTO_WIDTH + GAP
    boxes = [(MARGIN, TOP, PHOTO_WIDTH, HEIGHT - TOP - MARGIN)]
    boxes += _boxes(left, WIDTH - left - MARGIN, IMAGE_COLUMNS, IMAGE_ROWS)
    return _card(root, (result.image.name, result.prediction.text), [result.original.path, *grids], boxes)


def gallery_card(root: Path, title: str, results: Sequence[ImageResult], layers: Sequence[Layer]) -> bytes:
    """Return a JPEG of `WIDTH` × `HEIGHT` pixels: the first images, each above one grid, ever deeper.

    `results` are images that were drawn, `layers` those that have grids.
    """
    shown = results[:GALLERY_COLUMNS]
    chosen = sequences.evenly_spaced(len(layers), len(shown))
    grids = [
        result.layers[layers[index].slug].small.path for result, index in zip(shown, chosen, strict=False)
    ]
    boxes = _boxes(MARGIN, WIDTH - 2 * MARGIN, GALLERY_COLUMNS, 2)
    originals = [result.original.path for result in shown]
    line = "What each layer makes of a picture"
    places = [*boxes[: len(originals)], *boxes[GALLERY_COLUMNS : GALLERY_COLUMNS + len(grids)]]
    return _card(root, (title, line), [*originals, *grids], places)


def _boxes(left: int, width: int, columns: int, rows: int) -> list[Box]:
    """Return equal boxes, row by row, from `left` and below the title."""
    across = (width - GAP * (columns - 1)) // columns
    down = (HEIGHT - TOP - MARGIN - GAP * (rows - 1)) // rows
    return [
        (left + column * (across + GAP), TOP + row * (down + GAP), across, down)
        for row in range(rows)
        for column in range(columns)
    ]


def _card(root: Path, lines: tuple[str, str], paths: Sequence[str], boxes: Sequence[Box]) -> bytes:
    table = palette.special_table()
    card = Image.new("RGB", (WIDTH, HEIGHT), palette.BACKGROUND_COLOUR)
    top = MARGIN - GAP
    for line, size in zip(lines, (TITLE_SIZE, LINE_SIZE), strict=True):
        text = table[captions.caption((line,), WIDTH - 2 * MARGIN + size, size)]
        card.paste(Image.fromarray(text), (MARGIN - size // 2, top))
        top += text.shape[0]
    for path, (left, upper, width, height) in zip(paths, boxes, strict=False):
        with Image.open(root / path) as opened:
            picture = opened.convert("RGBA")
        scale = min(width / picture.width, height / picture.height)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        # values stay squares where they grow, and none is skipped where they shrink
        picture = picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)
        card.paste(picture, (left, upper), picture)
    return photos.save(card, "JPEG", quality=QUALITY, optimize=True)
