"""Records of a test image, from its file to what the model makes of it."""

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import numpy as np

from generator.core.facts import AttributionNotice, ClassScore, ScoreKind


@dataclass(frozen=True, kw_only=True)
class InputImage:
    """A test image's file. `digest` is the SHA-256 of its bytes, `error` why they could not be read."""

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
    _: KW_ONLY
    label: str | None = None
    score: float | None = None
    method: ClassScore | None = None
    number: int | None = None


@dataclass(frozen=True)
class Attribution:
    """What the score of the predicted class rests on, for one image.

    `cams` has Grad-CAM maps by layer index, float32 (height, width), of the layers through which a gradient
    flows to the score. `score` is the class's, `kind` what it is. `changes`, float32, tells
    how the score changes when one of `channels`, int64, is set to zero; the largest fall comes first. They
    belong to layer number `layer`, which has `of` channels. `notice` says why something is not there.
    """

    cams: dict[int, np.ndarray] = field(default_factory=dict)
    score: float | None = None
    kind: ScoreKind | None = None
    _: KW_ONLY
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
    _: KW_ONLY
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
