"""The model that this process has opened: once, however many images are shown to it."""

from collections.abc import Callable
from dataclasses import dataclass

from generator.core.errors import ModelError
from generator.inputs import stamp
from generator.model.extractor import Extractor, Recipe, open_extractor


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """How a process opens the model; it can be pickled, where `opener` can.

    `stamp` is that of the model's file from before its fingerprint was taken.
    """

    recipe: Recipe
    stamp: tuple[int, ...] | None
    opener: Callable[[Recipe], Extractor] = open_extractor


_opened: list[tuple[ModelSource, Extractor]] = []  # the last one: two take twice the memory


def extractor_of(source: ModelSource) -> Extractor:
    """Return the opened model, the same one as long as it is asked for with the same `source`.

    Raises `ModelError` where its file was written since its fingerprint was taken.
    """
    if not _opened or _opened[0][0] != source:
        close_model()
        _opened.append((source, _open_unchanged(source)))
    return _opened[0][1]


def close_model() -> None:
    """Let go of the opened model, if there is one."""
    _opened.clear()


def _open_unchanged(source: ModelSource) -> Extractor:
    extractor = source.opener(source.recipe)
    if stamp(source.recipe.path) != source.stamp:
        raise ModelError(
            f"expected {source.recipe.path.name} to stay as it is during a build, received a changed one: "
            "build again"
        )
    return extractor
