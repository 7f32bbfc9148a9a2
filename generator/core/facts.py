"""What an extractor tells besides numbers, as members and records; `generator.core.wording` has the words."""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path


class FileKind(Enum):
    """A kind of model file."""

    HDF5 = auto()
    ZIP = auto()


class Shown(Enum):
    """What the picture of an output shows that is no stack of maps itself."""

    SEQUENCE = auto()
    SLICE = auto()
    TIME_STEP = auto()


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a picture leaves out: it shows number `number`, from 1, of the `total` slices or time steps.

    A sequence is shown as one picture.
    """

    shown: Shown
    number: int = 1
    total: int = 1


class Missing(Enum):
    """Why there is no output to draw of something that the model file names."""

    NEVER_CALLED = auto()
    NO_LAYER = auto()


@dataclass(frozen=True, kw_only=True)
class FedImage:
    """An input gets the test image, `frames` times along a leading axis, 0 for no such axis."""

    frames: int = 0


@dataclass(frozen=True, kw_only=True)
class FedZeros:
    """An input gets zeros for want of anything better."""


@dataclass(frozen=True, kw_only=True)
class FedConstant:
    """An input gets one number everywhere; `number` is as it was written."""

    number: str


@dataclass(frozen=True, kw_only=True)
class FedPictures:
    """An input gets pictures of its own, those in `folder`."""

    folder: Path


Fed = FedImage | FedZeros | FedConstant | FedPictures


class Activation(Enum):
    """The function that makes probabilities of logits."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """Where the score of one class stands in a model's only output, a row of numbers.

    `activation` makes it a probability: the model's own last function, or, with `of_output`, one applied to
    an output of logits. The score is that of number `unit`; with `opposite` the class is the one that a
    single unit speaks against.
    """

    activation: Activation
    unit: int
    of_output: bool = False
    opposite: bool = False


class ScoreKind(Enum):
    """What the score is that was differentiated."""

    LOGIT = auto()
    PROBABILITY = auto()


class Obstacle(Enum):
    """Why an attribution, or part of one, is not there."""

    NO_GRADIENTS = auto()
    BACKEND_WITHOUT_GRADIENTS = auto()
    NO_CONVOLUTION = auto()
    GRADIENT_FAILED = auto()
    ABLATION_FAILED = auto()


@dataclass(frozen=True, kw_only=True)
class AttributionNotice:
    """What stood in the way of an attribution; `detail` is the class of an error, or the backend's name."""

    obstacle: Obstacle
    detail: str = ""
