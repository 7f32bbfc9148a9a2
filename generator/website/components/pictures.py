"""Pictures of a page, the players of animations, files to take along, and columns of images side by side."""

import posixpath
from dataclasses import dataclass

from generator.core import paths
from generator.core.formatting import count, one_line, size
from generator.core.records import Animation, Download, FailedImage, ImageResult, Layer, Picture
from generator.website.links import Link, link_to


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """A picture on a page. `href` is the page it leads to, `None` where it opens large instead.

    `explore` tells the explorer, as JSON, where a grid's values are and how they are laid out; `csv` is the
    file of what bars show.
    """

    src: str
    width: int
    height: int
    alt: str
    caption: str = ""
    href: str | None = None
    numbers: str = ""
    explore: str | None = None
    csv: str | None = None


@dataclass(frozen=True, kw_only=True)
class Player:
    """An animation: its still, the GIF, what it shows, and what it leaves out."""

    still: PictureView
    gif: str
    title: str
    facts: str
    left_out: str | None
    image: str


@dataclass(frozen=True, kw_only=True)
class ArraysDownload:
    """A file of arrays to take along: its size, the type of its numbers, and a key to begin with."""

    link: Link
    size: str
    kind: str
    key: str


@dataclass(frozen=True, kw_only=True)
class ImageColumn:
    """One image in a side-by-side table; one with an `error` has no picture."""

    link: Link
    picture: PictureView | None = None
    prediction: str = ""
    error: str | None = None
    players: tuple[Player, ...] = ()


def picture_view(
    page: str, picture: Picture, alt: str, caption: str = "", href: str | None = None
) -> PictureView:
    """Return a picture on `page`; foreign text in `alt` stays on its line."""
    return PictureView(
        src=paths.link(page, picture.path),
        width=picture.width,
        height=picture.height,
        alt=one_line(alt),
        caption=caption,
        href=href,
    )


def image_column(page: str, result: ImageResult) -> ImageColumn:
    """Return an image's column in a side-by-side table."""
    image = result.image
    link = link_to(page, paths.image_page(image.slug), image.name)
    if isinstance(result, FailedImage):
        return ImageColumn(link=link, error=result.error)
    alt = f"{image.name}, the test image; the model says {result.prediction.text}"
    return ImageColumn(
        link=link,
        picture=picture_view(page, result.original, alt, href=link.href),
        prediction=one_line(result.prediction.text),
        players=image_players(page, result),
    )


def image_players(page: str, result: ImageResult) -> tuple[Player, ...]:
    """Return the players of an image's animations."""
    kinds = (
        ("Over the layers", "the grids of all layers", result.layers_gif),
        ("Over the channels", "single channels of the convolutions", result.channels_gif),
    )
    name = result.image.name
    return tuple(
        player(page, result, title, f"First frame of the animation of {shows} for {name}", animation)
        for title, shows, animation in kinds
        if animation
    )


def player(page: str, result: ImageResult, title: str, alt: str, animation: Animation) -> Player:
    """Return the player of an animation, whose still is described by `alt`."""
    return Player(
        still=picture_view(page, animation.still, alt),
        gif=paths.link(page, animation.gif.path),
        title=title,
        facts=f"{count(animation.frames, 'frame')}, {size(animation.bytes)}",
        left_out=animation.left_out,
        image=result.image.name,
    )


def arrays_download(page: str, layer: Layer, arrays: Download) -> ArraysDownload:
    """Return the offer of an image's activations; `layer` is the one that the example reads."""
    link = Link(href=paths.link(page, arrays.path), text=posixpath.basename(arrays.path))
    return ArraysDownload(link=link, size=size(arrays.bytes), kind=arrays.kind, key=layer.slug)
