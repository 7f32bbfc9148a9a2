"""Old HDF5 files load, and compute what they computed: the new file's own output is the truth."""

import json
import shutil

import h5py
import numpy as np
import pytest
from conftest import save_model

from generator.model import legacy
from generator.model.load import load_model
from generator.model.record import KerasExtractor


def rewrite(path, target, change):
    """Copy a model file and let `change` turn its configuration into an old one."""
    shutil.copyfile(path, target)
    with h5py.File(target, "r+") as file:
        file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
        file.attrs["keras_version"] = "2.2.4"
    return target


def first_layer_carries_the_shape(config):
    """As Keras 1 and 2 wrote a Sequential model."""
    first, *layers = config["config"]["layers"]
    shape = first["config"].get("batch_shape") or first["config"]["batch_input_shape"]
    layers[0]["config"]["batch_input_shape"] = shape
    config["config"]["layers"] = layers
    return config


def bare_list(config):
    """As Keras wrote it before 2.2.3."""
    config = first_layer_carries_the_shape(config)
    return {"class_name": "Sequential", "config": config["config"]["layers"]}


def outdated_arguments(config):
    """As TensorFlow's Keras wrote it: groups everywhere, and initializers with a dtype."""
    config = first_layer_carries_the_shape(config)
    for layer in config["config"]["layers"]:
        if layer["class_name"] in ("DepthwiseConv2D", "Conv2DTranspose"):
            layer["config"]["groups"] = 1
        if "kernel_initializer" in layer["config"]:
            initializer = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
            layer["config"]["kernel_initializer"] = initializer
        layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "float32"}}
    return config


@pytest.fixture(scope="module")
def new_file(keras, tmp_path_factory):
    layers = keras.layers
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((20, 20, 3)),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm", trainable=False),
        layers.DepthwiseConv2D(3, name="deep"),
        layers.Conv2DTranspose(3, 3, name="turned"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(2, activation="softmax", name="out"),
    ])  # fmt: skip
    for layer in model.layers:
        layer.set_weights([np.random.default_rng(1).random(w.shape, np.float32) for w in layer.get_weights()])
    return save_model(model, tmp_path_factory.mktemp("new") / "new.h5")


@pytest.mark.parametrize(
    ("change", "repairs"),
    [
        (first_layer_carries_the_shape, {legacy.EXPLICIT_INPUT}),
        (bare_list, {legacy.EXPLICIT_INPUT, legacy.NAMED_LAYERS}),
        (outdated_arguments, {legacy.EXPLICIT_INPUT, legacy.DROPPED_ARGUMENTS}),
    ],
)
def test_old_sequential_files_compute_the_same(new_file, tmp_path, change, repairs):
    old = rewrite(new_file, tmp_path / "old.hdf5", change)
    content = old.read_bytes()
    extractor = KerasExtractor(old, "")
    values = np.random.default_rng(0).random((20, 20, 3), np.float32)
    np.testing.assert_array_equal(
        extractor.extract(values).outputs[0], KerasExtractor(new_file, "").extract(values).outputs[0]
    )
    assert set(extractor.describe().repairs) == repairs
    assert old.read_bytes() == content


def test_new_files_are_left_alone(new_file, small_model):
    for path in (new_file, small_model):
        _, repairs = load_model(path)
        assert repairs == ()


def test_a_nested_old_sequential_is_repaired_too(keras, tmp_path):
    inner = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Conv2D(2, 3, name="conv")], name="inner")
    outer = keras.Sequential([keras.Input((12, 12, 3)), inner, keras.layers.Flatten(), keras.layers.Dense(1)])
    new = save_model(outer, tmp_path / "new.h5")

    def change(config):
        first_layer_carries_the_shape(config["config"]["layers"][1])
        return config

    old = rewrite(new, tmp_path / "old.h5", change)
    values = np.ones((12, 12, 3), np.float32)
    np.testing.assert_array_equal(
        KerasExtractor(old, "").extract(values).outputs[0], KerasExtractor(new, "").extract(values).outputs[0]
    )


def test_groups_that_change_the_result_are_not_dropped():
    layer = {"class_name": "DepthwiseConv2D", "config": {"name": "deep", "groups": 2}}
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    assert legacy.repair(config)[0]["config"]["layers"][0]["config"]["groups"] == 2
