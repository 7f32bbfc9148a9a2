"""Records of what is known of a model before an image is shown to it."""

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from generator.core.facts import Fed, FedPictures, Missing, Notice

MOST_BARS = 4096  # values of a layer without maps that are drawn as bars
FAMILIES = ("convolution", "pooling", "normalization", "activation", "merging", "resizing", "other")


@dataclass(frozen=True)
class ReceptiveField:
    """Which rows and columns of the picture, as the model sees it, one value of a layer depends on.

    The value at (row, column) sees `size` (height, width) pixels from `start` + (row, column) × `stride` on;
    a start may lie outside the picture. `whole` tells that every value depends on the whole picture.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]
    _: KW_ONLY
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


@dataclass(frozen=True, kw_only=True)
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
