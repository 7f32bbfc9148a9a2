"""What a build asks of a model, whatever the framework, and what opens a model file.

A model file is opened in two steps: its kind is told by its content, and the kind says which framework opens
it, which is imported only then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

import numpy as np

from generator.core.facts import ClassScore, FileKind, ScoreKind
from generator.core.records import Activations, ModelInfo


class Extractor(Protocol):
    """An opened model."""

    def describe(self) -> ModelInfo:
        """Return what is known of the model and its layers."""

    def extract(self, values: np.ndarray, others: Mapping[str, np.ndarray]) -> Activations:
        """Return every layer's output for one image, float32 (height, width, channels).

        `others` are the pictures for further inputs by name. Raises `ImageError` when the image does not fit.
        """


class GradientPass(Protocol):
    """One pass over an image with the gradients of a class's `score`; `kind` says what that is.

    What it needs stays in memory for as long as it does.
    """

    score: float
    kind: ScoreKind

    def maps_of(self, layer: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the maps that were asked for with a layer, and their gradients.

        Both are float32 (height, width, channels); `None` where no gradient flows from there to the score.
        """

    def runs_rest_alone(self, layer: int) -> bool:
        """Whether what follows a layer can be run by itself, so that ablation takes no whole passes."""

    def ablate(self, layer: int, channels: Sequence[int | None]) -> np.ndarray:
        """Return the score with each of a layer's channels set to zero by itself, float32 (channels,).

        `None` among the channels leaves all as they are.
        """


@runtime_checkable
class DifferentiableExtractor(Extractor, Protocol):
    """An opened model that gradients may be asked of."""

    def lacks_gradients(self) -> str | None:
        """Return the name of what the model runs on where that computes no gradients, else `None`."""

    def gradients(
        self,
        values: np.ndarray,
        others: Mapping[str, np.ndarray],
        layers: Mapping[int, int],
        score: ClassScore,
    ) -> GradientPass:
        """Differentiate the score of a class for an image that `extract` took.

        `layers` are convolutions with maps, by index; the values are the indices of the layers whose outputs
        to differentiate for in their place, which are of the same layout. Raises whatever the model does.
        """


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that opening a model takes; it can be pickled, so that every process opens its own.

    `digest` is the SHA-256 of the file's bytes. `allow_unsafe` and `custom_objects` let code run. `inputs`
    are what further inputs get, by name. `pre_activation` and `verify` are as in the settings.
    """

    path: Path
    digest: str
    allow_unsafe: bool = False
    custom_objects: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    pre_activation: bool = False
    verify: bool = False


def _saved_models() -> ModuleType:
    """Import what opens files of `model.save()`; the framework itself is imported only with a model."""
    from generator.model.keras import opening

    return opening


FRAMEWORKS: Mapping[FileKind, Callable[[], ModuleType]] = {
    FileKind.HDF5: _saved_models,
    FileKind.ZIP: _saved_models,
}


def file_kind(path: Path) -> FileKind:
    """Return the kind of the whole model in `path`, whatever it is called. Imports no framework.

    Raises `ModelError`, saying what was received and what to do, where there is no such thing.
    """
    return _saved_models().sniff(path)  # which knows the kinds of others, to refuse them


def open_extractor(recipe: Recipe) -> Extractor:
    """Open a model with the framework that its file is of, which is imported only now."""
    return FRAMEWORKS[file_kind(recipe.path)]().open_extractor(**vars(recipe))


def packages_of(kind: FileKind) -> tuple[str, ...]:
    """Return the packages whose versions decide what a model in a file of this kind computes."""
    return FRAMEWORKS[kind]().PACKAGES


def switches_of(kind: FileKind) -> tuple[str, ...]:
    """Return the environment variables that decide what a model in a file of this kind computes."""
    return FRAMEWORKS[kind]().SWITCHES


def chatty_loggers() -> tuple[str, ...]:
    """Return the names of the frameworks' loggers, whose advice is for those who program with them."""
    return tuple(name for each in _frameworks() for name in each.LOGGERS)


def calming_variables() -> dict[str, str]:
    """Return the environment variables, and their values, that keep the frameworks from chattering."""
    return {name: value for each in _frameworks() for name, value in each.CALMING.items()}


def _frameworks() -> list[ModuleType]:
    return [find() for find in dict.fromkeys(FRAMEWORKS.values())]


@dataclass(frozen=True, kw_only=True)
class Models:
    """How a build gets at a model: `kind_of` checks its file and tells its kind, `open` opens it."""

    kind_of: Callable[[Path], FileKind] = file_kind
    open: Callable[[Recipe], Extractor] = open_extractor


MODELS = Models()
