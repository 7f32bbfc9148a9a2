"""Open a model file. Code in it is never run: Keras's safe mode stays on."""

import re
import zipfile
from pathlib import Path

import h5py

from generator.errors import ModelError
from generator.model.legacy import readable

ENDINGS = (".keras", ".h5", ".hdf5")


def check_file(path: Path) -> None:
    """Raise `ModelError` unless `path` looks like a Keras model. Does not import keras."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise ModelError(f"expected a model file, received {found}: check the path {path}")
    if path.suffix.lower() not in ENDINGS:
        endings = ", ".join(ENDINGS)
        raise ModelError(f"expected a model file ({endings}), received {path.name}: save it from Keras")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise ModelError(f"expected a whole file, received {path.name} cut short: copy or save it again")
        return
    try:
        with h5py.File(path) as file:
            whole = "model_config" in file.attrs
    except OSError:
        raise ModelError(
            f"expected a Keras model in {path.name}, received a damaged file or one of another kind: "
            "save it again from Keras"
        ) from None
    if not whole:
        raise ModelError(
            f"expected a whole model in {path.name}, received one without its architecture (weights only): "
            "save it with model.save()"
        )


def load_model(path: Path):
    """Return the `keras.Model` in `path`, not compiled, and what had to be repaired in its configuration.

    Raises `ModelError` when it is missing, damaged, or needs code that only its author has.
    """
    check_file(path)
    import keras

    try:
        with readable(path) as (file, repairs):
            model = keras.models.load_model(file, compile=False)
    except Exception as error:  # keras raises almost anything on files it does not understand
        raise ModelError(
            f"expected a model that Keras {keras.__version__} loads, received {path.name}: {_reason(error)}"
        ) from None
    if not isinstance(model, keras.Model):
        raise ModelError(f"expected a Keras model in {path.name}, received a {type(model).__name__}")
    return model, repairs


def _reason(error: Exception) -> str:
    """Say in our words why Keras refused a file, or else give its first sentence."""
    text = " ".join(str(error).split())
    if "safe_mode" in text or "Lambda" in text:
        return (
            "it carries code of its own (a Lambda layer), which is not run: save it with named layers instead"
        )
    missing = re.search(
        r"Could not locate (?:class|function) '([^']+)'|Unknown (?:layer|object): '([^']+)'", text
    )
    if missing:
        return (
            f"it needs {missing[1] or missing[2]}, which only its author has: save it with Keras's own layers"
        )
    return f"{text.partition('. ')[0][:200] or type(error).__name__}: save it again from Keras"
