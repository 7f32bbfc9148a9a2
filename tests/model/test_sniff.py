"""What is no whole Keras model is named in one line, by its content; Keras is not needed for that."""

import io
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from conftest import ROOT, save_model, small_cnn

from generator.core.errors import ModelError
from generator.core.facts import FileKind
from generator.model.extractor import file_kind
from generator.model.keras.loading import load_model


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def hdf5(*, groups=(), **attributes) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in groups:
            file.create_group(name)
        file.create_dataset("pixels", data=np.zeros(1000))
        file.attrs.update(attributes)
    return buffer.getvalue()


CONTENTS = {
    "empty.h5": (b"", "an empty file", "download it again"),
    "pointer.h5": (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "LFS", "git lfs pull"),
    "page.h5": (b"\n<!DOCTYPE html>\n<html></html>", "a web page", "download the file itself"),
    "other_page.keras": (b"\xef\xbb\xbf<HTML><body>", "a web page", "download the file itself"),
    "cut.h5": (hdf5(model_config="{}")[:3000], "damaged HDF5 file", "download it again"),
    "start.h5": (b"\x89HDF\r\n\x1a\n", "damaged HDF5 file", "download it again"),
    "cut.keras": (zipped("config.json", "model.weights.h5")[:60], "damaged zip", "download it again"),
    "data.h5": (hdf5(), "HDF5 file with other data", "model.save()"),
    "keras_2.h5": (hdf5(layer_names=["a"]), "weights only, without the architecture", "model.save("),
    "keras_2_many.h5": (hdf5(layer_names0=["a"]), "weights only", "model.save("),
    "keras_3.weights.h5": (hdf5(groups=["layers"]), "weights only", "model.save("),
    "hollow.h5": (hdf5(model_config="{}"), "without its weights", "model.save("),
    "other.zip": (zipped("a.txt"), "a zip archive of something else", "model.save("),
    "hollow.keras": (zipped("config.json"), "without its weights", "model.save("),
    "weights.keras": (zipped("model.weights.h5"), "without its architecture", "model.save("),
    "machine.zip": (zipped("labels.txt", "keras_model.h5"), "keras_model.h5 inside", "unpack it"),
    "torch.h5": (zipped("archive/data.pkl", "archive/data/0"), "a PyTorch file", "no Keras model"),
    "old_torch.pth": (pickle.dumps({}, 2), "Python pickle", "no Keras model"),
    "lite.h5": (b"\x1c\0\0\0TFL3\0\0", "TensorFlow Lite", "no Keras model"),
    "net.onnx": (b"\x08\x07\x12\x07pytorch", "an ONNX model", "no Keras model"),
    "net.h5": (b"\x08\x07\x12\x07pytorch", "an ONNX model", "no Keras model"),
    "frozen.pb": (b"\n\x0f\n\x01x\x12\x0bPlaceholder", "frozen TensorFlow graph", "no Keras model"),
    "model.json": (b'{"modelTopology": {}}', "TensorFlow.js", "tensorflowjs_converter"),
    "architecture.json": (b'{"class_name": "Sequential"}', "JSON", "model.save("),
    "packed.h5.gz": (b"\x1f\x8b\x08\0", "gzip", "unpack it"),
    "garbage.keras": (b"garbage", "damaged file or one of another kind", "model.save("),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_no_model_is_named_with_what_to_do(tmp_path, name):
    content, received, advice = CONTENTS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError) as caught:
        file_kind(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(f"expected a Keras model in {name}, received ")
    assert received in message
    assert advice in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["saved_model.pb"], "a SavedModel folder"),
        (["config.json", "model.weights.h5"], "unpacked content of a .keras file"),
        (["a.png"], "a folder"),
        (None, "nothing there"),
    ],
)
def test_folders_and_missing_paths_are_named(tmp_path, files, words):
    folder = tmp_path / "model"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_bytes(b"")
    with pytest.raises(ModelError, match=words):
        file_kind(folder)


def test_a_model_may_have_any_name(keras, tmp_path):
    model = small_cnn(keras)
    values = np.random.default_rng(0).random((1, 40, 56, 3), np.float32)
    for ending, kind in (("h5", FileKind.HDF5), ("keras", FileKind.ZIP)):
        path = save_model(model, tmp_path / f"m.{ending}").rename(tmp_path / f"{ending} without ending")
        assert file_kind(path) is kind
        np.testing.assert_array_equal(load_model(path).model(values), model(values))


def test_checking_a_file_does_not_import_keras():
    code = (
        "import sys; from pathlib import Path; from generator.model.extractor import file_kind\n"
        "file_kind(Path('models/cats_and_dogs.hdf5')); assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
