"""What is known of Keras before it is imported, and how a model is opened with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from generator.core.facts import FileKind

if TYPE_CHECKING:
    from generator.model.keras.extractor import KerasExtractor

PACKAGES = ("tensorflow", "keras", "torch", "jax", "h5py")  # whose versions the numbers depend on
SWITCHES = ("KERAS_BACKEND",)  # environment variables that the numbers depend on
LOGGERS = ("tensorflow",)  # whose advice is for those who program with it
CALMING: Mapping[str, str] = {"TF_CPP_MIN_LOG_LEVEL": "3"}  # environment variables against chatter


def sniff(path: Path) -> FileKind:
    """Return the kind of a whole model's file; see `generator.model.keras.file_kind`."""
    from generator.model.keras import file_kind

    return file_kind.sniff(path)


def open_extractor(
    path: Path,
    digest: str,
    *,
    allow_unsafe: bool,
    custom_objects: tuple[str, ...],
    inputs: Mapping[str, str],
    pre_activation: bool,
    verify: bool,
) -> "KerasExtractor":
    """Import Keras and open a model; see `generator.model.extractor.Recipe` for the arguments."""
    from generator.model.keras.extractor import KerasExtractor
    from generator.model.keras.loading import register_custom_objects

    register_custom_objects(custom_objects)
    return KerasExtractor(
        path,
        digest,
        allow_unsafe=allow_unsafe,
        inputs=inputs,
        pre_activation=pre_activation,
        verify=verify,
    )
