"""The same model gives the same layers on every backend of Keras that is installed."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, save_model, small_cnn

from generator.model.keras.extractor import KerasExtractor

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from generator.model.keras.extractor import KerasExtractor
extractor = KerasExtractor(Path(sys.argv[1]), "", verify=True, pre_activation=True)
values = np.random.default_rng(0).random((40, 56, 3), np.float32)
activations = extractor.extract(values, {})
names = [layer.name for layer in extractor.describe().layers]
np.savez(sys.argv[2], **{str(index): maps for index, maps in activations.maps.items()})
print(json.dumps([names, activations.check.failed]))
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_every_backend_records_the_same(keras, tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"optional: {backend} is not installed")
    path = save_model(small_cnn(keras), tmp_path / "small.keras")
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, tmp_path / "maps.npz"],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names, failed = json.loads(done.stdout.splitlines()[-1])
    assert failed == []
    here = KerasExtractor(path, "", pre_activation=True)
    assert names == [layer.name for layer in here.describe().layers]
    values = np.random.default_rng(0).random((40, 56, 3), np.float32)
    expected = here.extract(values).maps
    with np.load(tmp_path / "maps.npz") as stored:
        assert set(stored) == {str(index) for index in expected}
        for index, maps in expected.items():
            np.testing.assert_allclose(stored[str(index)], maps, atol=1e-5)
