"""What a build asks of a model, whatever the framework, and what opens a model file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from generator.core.records import Activations, Explanation, ModelInfo, Prediction


class Extractor(Protocol):
    """An opened model."""

    def describe(self) -> ModelInfo:
        """Return what is known of the model and its layers."""

    def extract(self, values: np.ndarray, others: Mapping[str, np.ndarray]) -> Activations:
        """Return every layer's output for one image, float32 (height, width, channels).

        `others` are the pictures for further inputs by name. Raises `ImageError` when the image does not fit.
        """

    def explain(
        self,
        values: np.ndarray,
        others: Mapping[str, np.ndarray],
        layers: Sequence[int],
        prediction: Prediction,
    ) -> Explanation:
        """Return what the prediction for an image that was extracted rests on, in layers of these indices."""


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


def check_file(path: Path) -> None:
    """Raise `ModelError` unless `path` holds a whole model that can be opened. Imports no framework."""
    from generator.model.keras.file_kind import sniff

    sniff(path)


def open_extractor(recipe: Recipe) -> Extractor:
    """Open a model with the framework that its file is of, which is imported only now."""
    from generator.model.keras.extractor import KerasExtractor
    from generator.model.keras.loading import register_custom_objects

    register_custom_objects(recipe.custom_objects)
    return KerasExtractor(
        recipe.path,
        recipe.digest,
        allow_unsafe=recipe.allow_unsafe,
        inputs=recipe.inputs,
        pre_activation=recipe.pre_activation,
        verify=recipe.verify,
    )
