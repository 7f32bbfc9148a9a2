"""Records of what is drawn and what a build reports."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from generator.core.image_records import Attribution, Check, InputImage, Prediction
from generator.core.model_records import Layer
from generator.core.statistics_records import LayerNumbers


@dataclass(frozen=True, eq=False)
class Singles(Mapping[int, str]):
    """The pictures of single channels, from channel to path, in `folder`; a layer has `of` channels.

    A path is made when it is asked for: in a large gallery there are millions.
    """

    folder: str
    of: int
    channels: tuple[int, ...]

    def __getitem__(self, channel: int) -> str:
        """Return the path of a channel's picture below the website's root."""
        place = bisect_left(self.channels, channel)
        if self.channels[place : place + 1] != (channel,):
            raise KeyError(channel)
        return f"{self.folder}/channel-{channel:0{len(str(self.of - 1))}d}.png"

    def __iter__(self) -> Iterator[int]:
        """Yield the channels that are drawn singly, in order."""
        return iter(self.channels)

    def __len__(self) -> int:
        """Return how many channels are drawn singly."""
        return len(self.channels)


@dataclass(frozen=True, kw_only=True)
class RenderTask:
    """The pictures to draw of one layer for one image, with paths below the website's root.

    `small` is a smaller grid and `maps` the script for the explorer, `None` where there are no maps. `frames`
    are the channels for the animation over channels.
    """

    image: str
    layer: Layer
    grid: str
    singles: Singles
    small: str | None = None
    maps: str | None = None
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A picture file: its path below the website's root and its size in pixels."""

    path: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class LayerResult:
    """What became of one layer for one image: its numbers, and its pictures.

    `grid` shows all channels in rows of `columns`, or the bars of a layer without maps; `enlarged` is its
    whole factor. `small` is the grid averaged down for tables, or the grid itself. `singles` are all
    `single_size` (width, height) in pixels. `ranges` is float64 (channels, 2): the values that got the first
    and the last colour.
    """

    numbers: LayerNumbers
    grid: Picture
    small: Picture
    columns: int
    singles: Singles
    single_size: tuple[int, int]
    enlarged: int
    ranges: np.ndarray

    def single(self, channel: int) -> Picture:
        """Return the picture of a channel that is drawn singly."""
        return Picture(self.singles[channel], *self.single_size)


@dataclass(frozen=True, kw_only=True)
class RenderResult:
    """A finished task: `files` maps paths to their bytes.

    `frames`, uint8 (frames, height, width), and `sheet`, uint8 (height, width), the smaller grid, are palette
    indices.
    """

    task: RenderTask
    layer: LayerResult
    files: dict[str, bytes]
    frames: np.ndarray
    sheet: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Animation:
    """An animated GIF, its first frame as a still, its size in bytes, and what it leaves out, if anything."""

    gif: Picture
    still: Picture
    bytes: int
    frames: int
    left_out: str | None


@dataclass(frozen=True)
class Download:
    """A file of arrays: its path below the website's root, its size in bytes and the type of its numbers."""

    path: str
    bytes: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class DrawnAttribution:
    """What was drawn of an attribution, which has lost its maps: its `numbers`.

    By the slug of the layer: `peaks`, the largest value of each map, NaN where a value of it is not finite,
    and `pictures`, the maps that are not zero everywhere over the picture.
    """

    numbers: Attribution
    peaks: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    animation: Animation | None = None


@dataclass(frozen=True, kw_only=True)
class ShownImage:
    """Everything drawn of one image. `layers` is by slug.

    `size` is (width, height) as given, `fed` the shape of the model's input, (height, width, channels).
    """

    image: InputImage
    size: tuple[int, int]
    original: Picture
    seen: Picture
    fed: tuple[int, int, int]
    prediction: Prediction
    layers: dict[str, LayerResult]
    layers_gif: Animation
    channels_gif: Animation | None = None
    check: Check | None = None
    arrays: Download | None = None
    attribution: DrawnAttribution | None = None


@dataclass(frozen=True, kw_only=True)
class FailedImage:
    """An image that could not be shown, and why."""

    image: InputImage
    error: str


ImageResult = ShownImage | FailedImage


@dataclass(frozen=True, kw_only=True)
class Thumbnails:
    """Small pictures of an image for the gallery's card, each as the bytes of a JPEG, uint8 (bytes,).

    `photo` is the image as given, `grids` are those of the layers that the card may show, by slug.
    """

    photo: np.ndarray
    grids: dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ProcessedImage:
    """An image that was drawn, the sizes of its files in bytes by path, sorted, and its thumbnails."""

    result: ShownImage
    files: dict[str, int]
    thumbnails: Thumbnails


@dataclass(frozen=True, kw_only=True)
class Progress:
    """News of a build: its stage, how much of it is done, and what comes next."""

    stage: str
    text: str
    done: int = 0
    total: int = 1


ReportProgress = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build did. `seconds` is by stage; `website` is the front page, or `None` with `--no-site`.

    `kept` is how many images have their pictures from an earlier build; `unchanged` tells that nothing at all
    had to be done.
    """

    sources: Path
    website: Path | None
    images: int
    layers: int
    pictures: int
    pages: int
    bytes: int
    written: int
    removed: int
    failed: tuple[FailedImage, ...]
    unverified: tuple[str, ...]
    seconds: dict[str, float]
    kept: int = 0
    unchanged: bool = False
