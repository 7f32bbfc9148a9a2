"""All that pages are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from generator.core import paths, plan
from generator.core.formatting import one_line
from generator.core.records import ImageResult, Layer, LayerHealth, ModelInfo, ShownImage


@dataclass(frozen=True, kw_only=True)
class Site:
    """All that pages are made from.

    `table` is the palette, `pixels` names the input's scaling, `scaling` says it in words, `health` is that
    of the layers with maps by slug, `guide` says whether the sources have a guide of their own to lead to.
    """

    plan: plan.Plan
    model: ModelInfo
    results: tuple[ImageResult, ...]
    scale: str
    colours: str
    table: np.ndarray
    pixels: str
    scaling: str
    health: Mapping[str, LayerHealth]
    guide: bool = False

    @property
    def title(self) -> str:
        """What the gallery is called."""
        return f"What {one_line(self.model.name)} sees"

    @cached_property
    def good(self) -> tuple[ShownImage, ...]:
        """The images that could be shown to the model."""
        return tuple(result for result in self.results if isinstance(result, ShownImage))

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each image among the good ones, from 0, by slug."""
        return {result.image.slug: place for place, result in enumerate(self.good)}

    def layer_page(self, layer: Layer, result: ImageResult) -> str:
        """Return the one of a layer's pages that shows this image."""
        number = self.places[result.image.slug] // plan.PER_PAGE + 1
        return paths.later_page(paths.layer_page(layer.slug), number)
