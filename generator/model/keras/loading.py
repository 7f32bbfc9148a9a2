"""Open a model file of any Keras. Code in it is never run, unless that is asked for."""

import importlib
import io
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from generator.core.errors import ModelError
from generator.core.facts import FileKind
from generator.core.formatting import one_line
from generator.model.keras import keras1_and_2
from generator.model.keras.file_kind import sniff

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MissingLayer:
    """A layer of the file that is not in the model, and why."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class LoadedModel:
    """A model, what was repaired in it, and which of the file's layers it lacks, in the file's order."""

    model: "keras.Model"
    repairs: tuple[str, ...] = ()
    missing: tuple[MissingLayer, ...] = ()


def register_custom_objects(specs: Sequence[str]) -> None:
    """Make the classes and functions in `specs`, each "module:name", known to Keras under their names.

    Modules in the current folder are found too. Raises `ModelError` where there is no such thing.
    """
    if not specs:
        return
    import keras

    sys.path.insert(0, "")
    try:
        for spec in specs:
            module, _, name = spec.partition(":")
            try:
                keras.utils.get_custom_objects()[name] = getattr(importlib.import_module(module), name)
            except Exception as error:  # importing runs the module: anything may happen
                reason = " ".join(str(error).split()) or type(error).__name__
                raise ModelError(
                    f"expected module:name of a class or function for --custom-objects, received {spec!r}: "
                    f"{reason}"
                ) from None
    finally:
        sys.path.remove("")


def load_model(path: Path, allow_unsafe: bool = False) -> LoadedModel:
    """Return the model in `path`, not compiled, with what was repaired and what had to be left out.

    Files of Keras 3 are Keras's own business, as long as it succeeds; all others, and those that it refuses,
    are rebuilt layer by layer. Code in the file is run only with `allow_unsafe`. Raises `ModelError` when the
    file is no Keras model, or damaged, or nothing in it can be built.
    """
    from generator.model.keras import limits  # with Keras, which checking a file alone has no need of

    kind = sniff(path)
    stored = _describe(path, kind)
    attempts = [_load_plainly, _rebuild]
    if stored.is_old:
        attempts = [_rebuild, _load_plainly] if stored.means_the_same else [_rebuild]
    loaded, reasons = None, {}
    for attempt in attempts:
        if loaded and not loaded.missing:
            break
        try:
            with limits.bounded_weights(stored.numbers):
                loaded = attempt(path, stored, allow_unsafe)
        except ModelError as error:
            reasons[attempt] = str(error)
        except MemoryError:
            raise
        except Exception as error:  # keras raises almost anything on files that it does not understand
            text = one_line(str(error)).partition(". ")[0][:200]
            reasons[attempt] = f"{text or type(error).__name__}: save it again from Keras"
    if loaded is None:
        reason = reasons[_rebuild] or reasons.get(_load_plainly, "it is no graph of layers")
        raise ModelError(f"expected a model that can be loaded, received {path.name}: {reason}")
    limits.check_outputs(loaded.model)
    return loaded


@dataclass(frozen=True)
class _Stored:
    """What a file says of itself; version and backend of the Keras that wrote it are "" where it does not.

    `numbers` counts those in it that may be weights.
    """

    kind: FileKind
    config: dict[str, Any]
    version: str
    backend: str
    numbers: int

    @property
    def is_old(self) -> bool:
        return keras1_and_2.major(self.version) < 3

    @property
    def means_the_same(self) -> bool:
        """Whether Keras 3, as far as it takes an old file, computes what the old one did."""
        keras_2 = keras1_and_2.major(self.version) == 2 and self.backend == "tensorflow"
        known = self.kind is FileKind.ZIP or keras_2
        return known and "hard_sigmoid" not in json.dumps(self.config)


def _describe(path: Path, kind: FileKind) -> _Stored:
    from generator.model.keras import limits

    try:
        if kind is FileKind.ZIP:
            with zipfile.ZipFile(path) as archive:
                numbers = limits.check_zip(archive, path.stat().st_size)
                config = json.loads(archive.read("config.json"))
                about = archive.read("metadata.json") if "metadata.json" in archive.namelist() else "{}"
                version, backend = json.loads(about).get("keras_version", ""), ""
        else:
            with h5py.File(path) as file:
                numbers = limits.check_hdf5(file)
                config = json.loads(file.attrs["model_config"])
                inner = file["model_weights"].attrs if "model_weights" in file else {}
                found = (file.attrs.get(k, inner.get(k, "")) for k in ("keras_version", "backend"))
                version, backend = (each.decode() if isinstance(each, bytes) else str(each) for each in found)
        limits.check_config(config)
        if isinstance(config["class_name"], str) and isinstance(config["config"], dict | list):
            return _Stored(kind, config, version, backend, numbers)
    except ModelError as error:
        raise ModelError(f"expected a model that can be loaded, received {path.name}: {error}") from None
    except Exception:  # it is damaged, in one of many ways
        pass
    raise ModelError(
        f"expected a Keras model in {path.name}, received a damaged configuration: save it again from Keras"
    )


def _load_plainly(path: Path, stored: _Stored, allow_unsafe: bool) -> LoadedModel:
    """Let Keras load a file, unless it would run, import or read what the file says."""
    import keras

    from generator.model.keras import allowed

    config = allowed.without_training(stored.config)
    is_hdf5 = stored.kind is FileKind.HDF5
    checked = stored.config if is_hdf5 else config  # Keras reads that of an HDF5 file again
    reason = None if allow_unsafe else allowed.refusal(checked, is_hdf5)
    if reason or allowed.has_code(config):  # Keras has no way with code of an older Python
        raise ModelError(f"it holds a layer that is not loaded: {reason or allowed.CODE}")
    with tempfile.TemporaryDirectory(prefix="activation-gallery-") as folder:
        endings = (".keras",) if stored.kind is FileKind.ZIP else (".h5", ".hdf5")
        if path.suffix not in endings:  # by which Keras goes
            path = Path(shutil.copyfile(path, Path(folder) / f"model{endings[0]}"))
        if allow_unsafe or is_hdf5:
            model = keras.models.load_model(path, compile=False, safe_mode=not allow_unsafe)
        else:
            model = _load_checked(path, config)
    _check_kind(model)
    return LoadedModel(model)


def _load_checked(path: Path, config: dict[str, Any]) -> Any:
    """Return the object that a checked configuration describes, with the weights in a .keras file.

    This is what Keras does itself, but that it reads the configuration again, and files beside the weights.
    """
    import keras
    from keras.src.saving.serialization_lib import ObjectSharingScope, SafeModeScope

    with SafeModeScope(True), ObjectSharingScope():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    _check_kind(model)
    built, model.built = model.built, True  # weights alone are loaded only where this is set
    try:
        model.load_weights(path)
    finally:
        model.built = built
    return model


def _check_kind(model: Any) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise ModelError(f"it holds a {type(model).__name__}, which is no model")


def _rebuild(path: Path, stored: _Stored, allow_unsafe: bool) -> LoadedModel:
    from generator.model.keras import weights
    from generator.model.keras.rebuilding import Builder

    builder = Builder(stored.is_old, allow_unsafe)
    part = builder.build(stored.config)
    missing = tuple(MissingLayer(*each) for each in part.missing())
    if part.layer is None:
        first = f"{missing[0].name} ({missing[0].kind}) {missing[0].reason}" if missing else part.reason
        raise ModelError(f"nothing in it can be built: {first}")
    if not part.is_model:
        raise ModelError("")  # it is no graph of layers: Keras knows better what is wrong
    if stored.kind is FileKind.ZIP:
        with (
            zipfile.ZipFile(path) as archive,
            h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
        ):
            weights.load_zip(file, part)
    else:
        with h5py.File(path) as file:
            weights.load_hdf5(file, part, stored.version, stored.backend, builder.repairs)
    return LoadedModel(part.layer, tuple(builder.repairs), missing)
