"""The records that flow through a build. All are frozen, and none knows of settings or loggers."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from generator.core.facts import (
    AttributionNotice,
    ClassScore,
    Fed,
    FedPictures,
    Missing,
    Notice,
    ScoreKind,
)

MOST_BARS = 4096  # values of a layer without maps that are drawn as bars


@dataclass(frozen=True)
class ReceptiveField:
    """Which rows and columns of the picture, as the model sees it, one value of a layer depends on.

    The value at (row, column) sees `size` (height, width) pixels from `start` + (row, column) × `stride` on;
    a start may lie outside the picture. `whole` tells that every value depends on the whole picture.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One call of a layer, as the model reports it.

    `index` counts calls from 1 in execution order, inputs excluded. `shape` is the output's shape without
    its batch axis and with the channels last; a side that depends on the image is `None`. `activation` names
    the function that the layer applies to its own result. `repeats` is the index of the layer whose output
    this one hands on unchanged, 0 for the model's input, `None` where it computes something. `missing` tells
    why there is no output to draw, in a loader's own words where it left the layer out; `notice` what a
    picture leaves out. `receptive` is `None` where it is unknown. `takes` is the index of the layer whose
    output goes in first, `None` where that is none of them; `settles` tells that this one only normalises or
    activates it. `is_global` tells that it pools the whole of each map, `before_activation` that the output
    is what goes into the activation of the layer whose name it has.
    """

    index: int
    name: str
    kind: str
    family: str
    shape: tuple[int | None, ...]
    parameters: int
    activation: str | None = None
    repeats: int | None = None
    missing: Missing | str | None = None
    notice: Notice | None = None
    receptive: ReceptiveField | None = None
    takes: int | None = None
    settles: bool = False
    is_global: bool = False
    before_activation: bool = False

    @property
    def map_shape(self) -> tuple[int | None, int | None, int] | None:
        """The (height, width, channels) that are drawn, `None` where the output is no stack of maps.

        A sequence (time, channels) is one map of channels over time; of a volume the middle slice is drawn.
        """
        match self.shape:
            case () | (_,):
                return None
            case (time, channels):
                return channels, time, 1
            case (height, width, channels) | (_, height, width, channels):
                return height, width, channels
        return None

    @property
    def is_map(self) -> bool:
        """Whether the output is a stack of feature maps that has something in it."""
        return bool(self.channels) and 0 not in self.shape and self.missing is None

    @property
    def is_sequence(self) -> bool:
        """Whether the output is (time, channels), drawn as one map on one scale."""
        return len(self.shape) == 2

    @property
    def is_vector(self) -> bool:
        """Whether the output is a row of numbers, few enough to be drawn as bars."""
        return len(self.shape) == 1 and 0 < (self.shape[0] or 0) <= MOST_BARS and self.missing is None

    @property
    def channels(self) -> int | None:
        """The number of feature maps that are drawn, `None` where there is none or it is not known."""
        return self.map_shape[-1] if self.map_shape else None


@dataclass(frozen=True, kw_only=True)
class Layer(LayerInfo):
    """A layer with what the plan decided: its slug, and why it is not drawn (`None` where it is)."""

    slug: str
    same_as: str | None
    reason: str | None


@dataclass(frozen=True)
class ModelInput:
    """One of a model's inputs, shape without its batch axis, and what it is fed."""

    name: str
    shape: tuple[int | None, ...]
    fed: Fed

    @property
    def folder(self) -> Path | None:
        """Where the pictures for it lie, `None` where it gets none of its own."""
        return self.fed.folder if isinstance(self.fed, FedPictures) else None


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model before an image is shown to it.

    `input_shape` is (height, width, channels) of the picture; a side that the model leaves open is `None`.
    `value_range` is what the model's own first layer tells of the pixel values it expects, (0, 255) or (0,
    1), `None` where it tells nothing. `final_activation` is the name of the function that made the output,
    `output_shapes` are without the batch axis. `repairs` says what was changed in an old file's configuration
    to load it.
    """

    file: str
    digest: str
    name: str
    input_shape: tuple[int | None, int | None, int]
    parameters: int
    layers: tuple[LayerInfo, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    final_activation: str | None
    value_range: tuple[int, int] | None
    repairs: tuple[str, ...] = ()
    inputs: tuple[ModelInput, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InputImage:
    """A test image's file. `digest` is the SHA-256 of its bytes, `error` why it cannot be shown."""

    name: str
    slug: str
    path: Path
    digest: str
    error: str | None = None


@dataclass(frozen=True)
class PreparedImage:
    """An image in three forms.

    `original` is uint8 (height, width, 3) as given, `seen` uint8 (height, width, 1 or 3) at the model's
    size, and `values` float32 (height, width, channels), scaled as the model expects it.
    """

    original: np.ndarray
    seen: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """A class and its score in 0…1, or `text` alone where the model is no classifier.

    `method` says where the score stands in the model's output, `number` is the class, counted from 0.
    """

    text: str
    label: str | None = None
    score: float | None = None
    method: ClassScore | None = None
    number: int | None = None


@dataclass(frozen=True)
class Explanation:
    """What the score of the predicted class rests on, for one image.

    `cams` has Grad-CAM maps by layer index, float32 (height, width), of the layers through which a gradient
    flows to the score. `score` is the class's, `kind` what it is. `changes`, float32, tells
    how the score changes when one of `channels`, int64, is set to zero; the largest fall comes first. They
    belong to layer number `layer`, which has `of` channels. `notice` says why something is not there.
    """

    cams: dict[int, np.ndarray] = field(default_factory=dict)
    score: float | None = None
    kind: ScoreKind | None = None
    layer: int | None = None
    channels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    changes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    of: int = 0
    notice: AttributionNotice | None = None


@dataclass(frozen=True)
class Check:
    """How far what was recorded is from what the model computes without being watched.

    `output` is the largest absolute difference of the model's outputs, `layers` that of each layer computed
    again from its recorded input, by index, where that was asked for. `random` names what gives another
    result each time, `failed` what differs by more than rounding explains.
    """

    output: float
    layers: dict[int, float] = field(default_factory=dict)
    random: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Activations:
    """What one forward pass gave, by layer index, as read-only float32.

    Maps are (height, width, channels), the values of a layer without maps (1, values, 1). `outputs` are the
    model's own, float32 without the batch axis, none where the model is incomplete.
    """

    maps: dict[int, np.ndarray]
    outputs: tuple[np.ndarray, ...]
    check: Check | None = None


@dataclass(frozen=True)
class MapStatistics:
    """Numbers of one layer's maps for one image, each of shape (channels,).

    `minimum` and `maximum` are float32 as the maps are, `flawed` is int32, the others are float64.

    They cover finite values only and are NaN where a channel has none. `variance` is that of the
    population, `active` the share of values above zero, `flawed` counts values that are NaN or infinite.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    active: np.ndarray
    flawed: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Which channels have one single finite value everywhere, as bool (channels,)."""
        return (self.minimum == self.maximum) & (self.flawed == 0)


@dataclass(frozen=True)
class Vitals:
    """What one image adds to a layer's health, so that its maps need not be kept.

    `zeros` counts values equal to zero, int32 (channels,). The finite values other than zero are counted in
    `bins`, int32 (256,), equally wide from `low` to `high`, which are NaN where there are none. `alike` has
    the pairs of channels that correlate, each as first × channels + second with first < second, sorted int32.
    """

    zeros: np.ndarray
    low: float
    high: float
    bins: np.ndarray
    alike: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LayerHealth:
    """A layer's maps over all images. What the words mean is defined in `generator.analysis.health.combine`.

    `dead`, `constant` and `flawed` are bool (channels,), the numbers of channels float64 (channels,); those
    cover finite values and are NaN where there are none. `mean` is the mean of the images' means, `active`
    the share of values above zero, `zero` that of values equal to zero. `loudest` is the place among the
    images of the one with the highest mean, int64 (channels,). `alike` has groups of channels that are
    duplicates. `rectified` tells that no value is below zero. `bins` counts the finite values other than
    zero, float64 (48,), between the 49 `edges`; `zeros` are counted apart, and `above` are all above zero.
    `magnitude` is the root mean square of all finite values.
    """

    images: int
    rectified: bool
    dead: np.ndarray
    constant: np.ndarray
    flawed: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    active: np.ndarray
    zero: np.ndarray
    loudest: np.ndarray
    alike: tuple[tuple[int, ...], ...]
    zeros: int
    above: int
    edges: np.ndarray
    bins: np.ndarray
    magnitude: float

    @property
    def channels(self) -> int:
        """The number of channels."""
        return len(self.dead)

    @property
    def values(self) -> int:
        """The number of finite values of all channels and images."""
        return self.zeros + round(self.bins.sum())

    @property
    def sparsity(self) -> float:
        """The share of finite values that equal zero; 0 where there are none."""
        return self.zeros / max(1, self.values)


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


@dataclass(frozen=True)
class RenderTask:
    """The pictures to draw of one layer for one image, with paths below the website's root.

    `small` is a smaller grid and `maps` the script for the explorer, `None` where there are no maps. `frames`
    are the channels for the animation over channels.
    """

    image: str
    layer: Layer
    grid: str
    small: str | None
    maps: str | None
    singles: Singles
    frames: tuple[int, ...]


@dataclass(frozen=True)
class Picture:
    """A picture file: its path below the website's root and its size in pixels."""

    path: str
    width: int
    height: int


@dataclass(frozen=True)
class LayerResult:
    """What became of one layer for one image, whose maps are `shape` (height, width, channels).

    `grid` shows all channels in rows of `columns`, or the bars of a layer without maps; `enlarged` is its
    whole factor. `small` is the grid averaged down for tables, or the grid itself. `singles` are all
    `single_size` (width, height) in pixels. `ranges` is float64 (channels, 2): the values that got the first
    and the last colour.
    """

    shape: tuple[int, int, int]
    grid: Picture
    small: Picture
    columns: int
    singles: Singles
    single_size: tuple[int, int]
    enlarged: int
    ranges: np.ndarray
    statistics: MapStatistics
    vitals: Vitals

    def single(self, channel: int) -> Picture:
        """Return the picture of a channel that is drawn singly."""
        return Picture(self.singles[channel], *self.single_size)


@dataclass(frozen=True)
class RenderResult:
    """A finished task: `files` maps paths to their bytes, `frames` is uint8 (frames, height, width)."""

    task: RenderTask
    layer: LayerResult
    files: dict[str, bytes]
    frames: np.ndarray


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Decision:
    """What was drawn of an explanation, which has lost its maps.

    By the slug of the layer: `peaks`, the largest value of each map, NaN where a value of it is not finite,
    and `pictures`, the maps that are not zero everywhere over the picture.
    """

    explanation: Explanation
    peaks: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    animation: Animation | None = None


@dataclass(frozen=True)
class ImageResult:
    """Everything drawn of one image. `layers` is by slug; a failed image has `image.error` and no more.

    `fed` is the shape of the model's input, (height, width, channels).
    """

    image: InputImage
    size: tuple[int, int] | None = None
    original: Picture | None = None
    seen: Picture | None = None
    fed: tuple[int, int, int] | None = None
    prediction: Prediction | None = None
    layers: dict[str, LayerResult] = field(default_factory=dict)
    layers_gif: Animation | None = None
    channels_gif: Animation | None = None
    check: Check | None = None
    arrays: Download | None = None
    decision: Decision | None = None


@dataclass(frozen=True)
class Step:
    """News of a build: its stage, how much of it is done, and what comes next."""

    stage: str
    done: int
    total: int
    text: str


@dataclass(frozen=True)
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
    failed: tuple[InputImage, ...]
    unverified: tuple[str, ...]
    seconds: dict[str, float]
    kept: int = 0
    unchanged: bool = False
