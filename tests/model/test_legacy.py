"""Files of old Keras compute what they computed, and no code in a file is run.

The truth is the same weights in a model of today, or numpy. Old files are written by hand.
"""

import base64
import json
import marshal
import os
import shutil
import sys
import zipfile

import h5py
import numpy as np
import pytest
from conftest import save_model

from generator.core.errors import ModelError
from generator.model.keras import keras1_and_2
from generator.model.keras.loading import load_model, register_custom_objects

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.random((1, 8, 8, 3), np.float32)


def layer(kind, name, inbound=None, **config):
    """Describe a layer as files do; `inbound` are the names of the layers before, for a functional model."""
    found = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    return found | (
        {} if inbound is None else {"inbound_nodes": [[[n, 0, 0, {}] for n in inbound]] if inbound else []}
    )


def functional(layers, ends, name="net", starts=None):
    """Describe a functional model; its inputs are its input layers."""
    starts = starts or [[each["name"], 0, 0] for each in layers if each["class_name"] == "InputLayer"]
    config = {
        "name": name,
        "layers": layers,
        "input_layers": starts,
        "output_layers": [[e, 0, 0] for e in ends],
    }
    return {"class_name": "Model", "config": config, "name": name}


def picture_input(name="input"):
    return layer("InputLayer", name, [], batch_input_shape=[None, 8, 8, 3], dtype="float32")


def write(path, config, weights, version="2.2.4", backend="tensorflow", suffix=":0"):
    """Write an HDF5 file as old Keras did; `weights` are lists of (name, array) by layer."""
    about = {
        key: text.encode() for key, text in {"keras_version": version, "backend": backend}.items() if text
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        for target in (file, group):
            target.attrs.update(about)
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [f"{each}{suffix}".encode() for each, _ in arrays]
            for each, array in arrays:
                inner[f"{each}{suffix}"] = array
    return path


def conv_weights(name, channels=3, filters=2):
    kernel, bias = RANDOM.normal(size=(3, 3, channels, filters)), RANDOM.normal(size=filters)
    return [(f"{name}/kernel", kernel.astype(np.float32)), (f"{name}/bias", bias.astype(np.float32))]


def convolve(values, kernel, bias):
    """Cross-correlate (1, rows, columns, channels) with a kernel (rows, columns, in, out), not padded."""
    rows, columns = values.shape[1] - kernel.shape[0] + 1, values.shape[2] - kernel.shape[1] + 1
    windows = np.lib.stride_tricks.sliding_window_view(values[0], kernel.shape[:2], (0, 1))
    return np.einsum("ijcrs,rsco->ijo", windows[:rows, :columns], kernel)[None] + bias


def rewrite(path, target, change):
    """Copy a model file of today and let `change` turn its configuration into an old one."""
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
    config["config"].pop("build_input_shape", None)
    config["config"]["layers"] = layers
    return config


def bare_list(config):
    """As Keras wrote it before 2.2.3."""
    config = first_layer_carries_the_shape(config)
    return {"class_name": "Sequential", "config": config["config"]["layers"]}


def outdated_arguments(config):
    """As TensorFlow's Keras wrote it: groups everywhere, and initializers with a dtype."""
    config = first_layer_carries_the_shape(config)
    for each in config["config"]["layers"]:
        if each["class_name"] in ("DepthwiseConv2D", "Conv2DTranspose"):
            each["config"]["groups"] = 1
        if "kernel_initializer" in each["config"]:
            initializer = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}
            each["config"]["kernel_initializer"] = initializer
        each["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "float32"}}
    return config


@pytest.fixture(scope="module")
def new_file(keras, tmp_path_factory):
    layers = keras.layers
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((8, 8, 3)),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.BatchNormalization(name="norm", trainable=False),
        layers.DepthwiseConv2D(3, name="deep"),
        layers.Conv2DTranspose(3, 3, name="turned"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(2, activation="softmax", name="out"),
    ])  # fmt: skip
    for each in model.layers:
        each.set_weights([RANDOM.random(w.shape, np.float32) for w in each.get_weights()])
    return save_model(model, tmp_path_factory.mktemp("new") / "new.h5")


@pytest.mark.parametrize(
    ("change", "repairs"),
    [
        (first_layer_carries_the_shape, {keras1_and_2.EXPLICIT_INPUT}),
        (bare_list, {keras1_and_2.EXPLICIT_INPUT, keras1_and_2.NAMED_LAYERS}),
        (outdated_arguments, {keras1_and_2.EXPLICIT_INPUT, keras1_and_2.DROPPED_ARGUMENTS}),
    ],
)
def test_old_sequential_files_compute_the_same(new_file, tmp_path, change, repairs):
    old = rewrite(new_file, tmp_path / "old.hdf5", change)
    content = old.read_bytes()
    loaded = load_model(old)
    np.testing.assert_allclose(loaded.model(PICTURE), load_model(new_file).model(PICTURE), atol=1e-6)
    assert set(loaded.repairs) == repairs
    assert loaded.missing == ()
    assert old.read_bytes() == content


def test_new_files_are_left_alone(new_file, small_model):
    for path in (new_file, small_model):
        loaded = load_model(path)
        assert loaded.repairs == loaded.missing == ()


def test_what_a_model_is_not_told_to_forget_is_not_dropped(tmp_path):
    conv = layer("DepthwiseConv2D", "deep", kernel_size=[3, 3], groups=2)
    weights = {"conv": conv_weights("conv"), "deep": [("deep/kernel", np.ones((3, 3, 2, 1)))]}
    first = layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], batch_input_shape=[None, 8, 8, 3])
    loaded = load_model(
        write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [first, conv]}, weights)
    )
    assert [(each.name, each.kind) for each in loaded.missing] == [("deep", "DepthwiseConv2D")]
    assert "groups=2" in loaded.missing[0].reason
    kernel, bias = (array for _, array in weights["conv"])
    np.testing.assert_allclose(loaded.model(PICTURE), convolve(PICTURE, kernel, bias), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("version", "backend", "suffix", "turned"),
    [("", "", "", True), ("", "", ":0", False), ("1.2.2", "", "", True), ("1.2.2", "tensorflow", "", False)],
)
@pytest.mark.parametrize("ordering", ["th", "tf"])
def test_keras_1_had_its_own_names_layouts_and_theano(tmp_path, version, backend, suffix, turned, ordering):
    first = ordering == "th"
    conv = layer(
        "Convolution2D", "conv", nb_filter=2, nb_row=3, nb_col=2, border_mode="valid", subsample=[1, 1],
        dim_ordering=ordering, bias=True, init="glorot_uniform", W_regularizer=None, activation="linear",
        batch_input_shape=[None, 3, 8, 8] if first else [None, 8, 8, 3], input_dtype="float32",
    )  # fmt: skip
    norm = layer("BatchNormalization", "norm", axis=1 if first else -1, mode=0, epsilon=0.1, momentum=0.9)
    drop, pool = layer("Dropout", "drop", p=0.5), layer("MaxPooling2D", "pool", pool_size=[6, 7],
        strides=[6, 7], border_mode="valid", dim_ordering=ordering)  # fmt: skip
    dense = layer("Dense", "out", output_dim=2, activation="linear", init="uniform", input_dim=2)
    config = {"class_name": "Sequential", "config": [conv, norm, drop, pool, layer("Flatten", "flat"), dense]}
    kernel = RANDOM.normal(size=(3, 2, 3, 2)).astype(np.float32)
    bias, gamma, beta, mean, variance = RANDOM.random((5, 2), np.float32)
    out = RANDOM.normal(size=(2, 2)).astype(np.float32)
    weights = {
        "conv": [("conv_W", kernel.transpose(3, 2, 0, 1) if first else kernel), ("conv_b", bias)],
        "norm": [("g", gamma), ("b", beta), ("norm_running_mean", mean), ("norm_running_std", variance)],
        "drop": [],
        "out": [("out_W", out), ("out_b", bias)],
    }
    loaded = load_model(write(tmp_path / "m.h5", config, weights, version, backend, suffix))
    maps = convolve(PICTURE, kernel[::-1, ::-1] if turned else kernel, bias)
    maps = (maps - mean) / np.sqrt(variance + 0.1) * gamma + beta
    expected = maps.max((1, 2)) @ out + bias
    values = PICTURE.transpose(0, 3, 1, 2) if first else PICTURE
    np.testing.assert_allclose(loaded.model(values), expected, rtol=1e-4, atol=1e-4)
    assert keras1_and_2.KERAS_1 in loaded.repairs
    assert (keras1_and_2.TURNED in loaded.repairs) == turned


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_theano_is_known_in_files_of_keras_2_too(tmp_path, backend):
    conv = layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], batch_input_shape=[None, 8, 8, 3])
    weights = {"conv": conv_weights("conv")}
    config = {"class_name": "Sequential", "config": [conv]}
    loaded = load_model(write(tmp_path / "m.h5", config, weights, "2.0.8", backend, ""))
    kernel, bias = (array for _, array in weights["conv"])
    kernel = kernel[::-1, ::-1] if backend == "theano" else kernel
    np.testing.assert_allclose(loaded.model(PICTURE), convolve(PICTURE, kernel, bias), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("sum", 2 * PICTURE), ("mul", PICTURE**2), ("concat", np.concatenate([PICTURE] * 2, -1))],
)
def test_merge_layers_of_keras_1_are_those_of_today(tmp_path, mode, expected):
    merge = layer(
        "Merge", "merge", ["input", "input"], mode=mode, concat_axis=-1, dot_axes=-1, mode_type="raw"
    )
    loaded = load_model(
        write(tmp_path / "m.h5", functional([picture_input(), merge], ["merge"]), {}, "1.1.0")
    )
    np.testing.assert_allclose(loaded.model(PICTURE), expected)


def test_a_sequential_model_may_start_with_a_merge_of_others(tmp_path):
    branches = []
    weights = {name: conv_weights(name) for name in ("a", "b")}
    for name in weights:
        conv = layer("Conv2D", name, filters=2, kernel_size=[3, 3], batch_input_shape=[None, 8, 8, 3])
        branches.append({"class_name": "Sequential", "config": [conv]})
    merge = {"class_name": "Merge", "config": {"name": "merge", "mode": "sum", "layers": branches}}
    config = {"class_name": "Sequential", "config": [merge, layer("Activation", "relu", activation="relu")]}
    loaded = load_model(write(tmp_path / "m.h5", config, weights, "1.1.0"))
    sums = sum(convolve(PICTURE, *(array for _, array in arrays)) for arrays in weights.values())
    np.testing.assert_allclose(loaded.model([PICTURE, PICTURE]), np.maximum(sums, 0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("short", [True, False])
def test_nested_models_count_their_calls_from_zero_or_one(tmp_path, index, short):
    conv = layer("Conv2D", "conv", ["inner_input"], filters=2, kernel_size=[3, 3])
    starts = ["inner_input", 0, 0] if short else [["inner_input", 0, 0]]
    inner = functional([picture_input("inner_input"), conv], ["conv"], "inner", starts)
    inner["inbound_nodes"] = [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]
    merge = layer("Subtract", "merge", [])
    merge["inbound_nodes"] = [[["inner", index, 0, {}], ["inner", index + 1, 0, {}]]]
    config = functional([picture_input("a"), picture_input("b"), inner, merge], ["merge"])
    weights = {"inner": conv_weights("conv")}
    loaded = load_model(write(tmp_path / "m.h5", config, weights))
    kernel, bias = (array for _, array in weights["inner"])
    other = RANDOM.random(PICTURE.shape, np.float32)
    expected = convolve(PICTURE, kernel, bias) - convolve(other, kernel, bias)
    np.testing.assert_allclose(loaded.model([PICTURE, other]), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("told", [True, False])
def test_weights_of_layers_that_were_not_trained_come_last(tmp_path, told):
    first, last = (
        layer(
            "Conv2D",
            name,
            filters=3,
            kernel_size=[3, 3],
            batch_input_shape=[None, 8, 8, 3],
            trainable=trained,
        )
        for name, trained in (("first", False), ("last", True))
    )
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [first, last]}}
    a, b = conv_weights("first", filters=3), conv_weights("last", filters=3)
    # The order tells where names do not, as in files of models that were given other names.
    arrays = [*b, *a] if told else [(f"w{number}", array) for number, (_, array) in enumerate([*b, *a])]
    config = {"class_name": "Sequential", "config": {"name": "outer", "layers": [inner]}}
    loaded = load_model(write(tmp_path / "m.h5", config, {"inner": arrays}))
    expected = convolve(convolve(PICTURE, *(v for _, v in a)), *(v for _, v in b))
    np.testing.assert_allclose(loaded.model(PICTURE), expected, rtol=1e-4, atol=1e-4)


def test_the_hard_sigmoid_is_the_old_one(tmp_path):
    act = layer("Activation", "act", activation="hard_sigmoid", batch_input_shape=[None, 8, 8, 3])
    loaded = load_model(write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [act]}, {}))
    np.testing.assert_allclose(loaded.model(4 * PICTURE), np.clip(0.8 * PICTURE + 0.5, 0, 1), rtol=1e-6)
    assert keras1_and_2.HARD_SIGMOID in loaded.repairs


def test_operations_of_tensorflow_become_layers(tmp_path):
    node = {"op": "RealDiv", "input": ["x", "y"], "attr": {"T": {"type": "DT_FLOAT"}}}
    divide = layer(
        "TensorFlowOpLayer", "tf_op_layer_a/divide", ["input"], node_def=node, constants={"1": 0.5}
    )
    less = layer("TFOpLambda", "tf.math.subtract", [], function="math.subtract")
    less["inbound_nodes"] = [
        ["_CONSTANT_VALUE", -1, 1.0, {"y": ["tf_op_layer_a/divide", 0, 0], "name": None}]
    ]
    part = layer("SlicingOpLambda", "part", [], function="__operators__.getitem")
    spec = [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]
    part["inbound_nodes"] = [["tf.math.subtract", 0, 0, {"slice_spec": spec}]]
    loaded = load_model(
        write(tmp_path / "m.h5", functional([picture_input(), divide, less, part], ["part"]), {})
    )
    np.testing.assert_allclose(loaded.model(PICTURE), (1 - PICTURE / 0.5)[..., ::-1], rtol=1e-6)
    assert loaded.repairs == (keras1_and_2.RENAMED, keras1_and_2.OPERATIONS)


@pytest.mark.parametrize(
    ("kind", "key"), [("TFOpLambda", "io.write_file"), ("TensorFlowOpLayer", "WriteFile")]
)
def test_operations_that_may_do_harm_are_left_out(tmp_path, kind, key):
    conv = layer("Conv2D", "conv", ["input"], filters=2, kernel_size=[3, 3])
    config = (
        {"function": key} if kind == "TFOpLambda" else {"node_def": {"op": key, "attr": {}}, "constants": {}}
    )
    marker = tmp_path / "ran"
    bad = layer(kind, "bad", [], **config)
    bad["inbound_nodes"] = [["conv", 0, 0, {"filename": str(marker), "contents": "x"}]]
    path = write(
        tmp_path / "m.h5", functional([picture_input(), conv, bad], ["bad"]), {"conv": conv_weights("conv")}
    )
    loaded = load_model(path, allow_unsafe=True)
    assert [each.name for each in loaded.missing] == ["bad"]
    assert key in loaded.missing[0].reason
    assert not marker.exists()


class TestCode:
    """Lambda layers are code."""

    @pytest.fixture
    def marker(self, tmp_path):
        return tmp_path / "ran"

    def code(self, marker):
        function = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x * 2)[1]")
        return [base64.b64encode(marshal.dumps(function.__code__)).decode(), None, None]

    def write(self, path, code):
        layers = [
            picture_input(),
            layer("Conv2D", "conv", ["input"], filters=2, kernel_size=[3, 3]),
            layer("Lambda", "twice", ["conv"], function=code, function_type="lambda", arguments={}),
            layer("Conv2D", "after", ["twice"], filters=2, kernel_size=[3, 3]),
            layer("ReLU", "beside", ["conv"]),
        ]
        weights = {"conv": conv_weights("conv"), "after": conv_weights("after", 2)}
        return write(path, functional(layers, ["after", "beside"]), weights), weights

    def test_it_is_not_run_and_what_is_before_it_is_shown(self, tmp_path, marker):
        path, weights = self.write(tmp_path / "m.h5", self.code(marker))
        loaded = load_model(path)
        assert [(each.name, each.kind, each.reason) for each in loaded.missing] == [
            ("twice", "Lambda", "its code (a Lambda layer) is not run without --allow-unsafe"),
            ("after", "Conv2D", "depends on twice, which is left out"),
        ]
        before = convolve(PICTURE, *(array for _, array in weights["conv"]))
        np.testing.assert_allclose(loaded.model(PICTURE), np.maximum(before, 0), rtol=1e-5, atol=1e-5)
        assert not marker.exists()

    def test_it_is_run_where_that_is_allowed(self, tmp_path, marker):
        path, weights = self.write(tmp_path / "m.h5", self.code(marker))
        loaded = load_model(path, allow_unsafe=True)
        twice = 2 * convolve(PICTURE, *(array for _, array in weights["conv"]))
        after = convolve(twice, *(array for _, array in weights["after"]))
        np.testing.assert_allclose(loaded.model(PICTURE)[0], after, rtol=1e-4, atol=1e-4)
        assert loaded.missing == ()
        assert marker.exists()

    @pytest.mark.parametrize("code", [b"\xe3\x01\0\0", marshal.dumps(3), b"", None])
    def test_code_of_another_python_is_left_out(self, tmp_path, code):
        text = "%%%" if code is None else base64.b64encode(code).decode()
        loaded = load_model(self.write(tmp_path / "m.h5", [text, None, None])[0], allow_unsafe=True)
        assert [each.name for each in loaded.missing] == ["twice", "after"]
        assert "another version of Python" in loaded.missing[0].reason

    @pytest.mark.parametrize("ending", ["keras", "h5"])
    @pytest.mark.parametrize("nested", [False, True])
    def test_files_of_today_keep_what_is_before_it_too(self, keras, tmp_path, marker, ending, nested):
        function = eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]")
        inputs = keras.Input((8, 8, 3))
        x = conv = keras.layers.Conv2D(2, 3)(inputs)
        x = keras.layers.Lambda(function, (6, 6, 2))(x)
        x = keras.layers.Conv2D(4, 3)(x)
        beside = keras.layers.Conv2D(3, 1)(conv)
        model = keras.Model(inputs, [x, beside], name="inside")
        if nested:
            outside = keras.Input((8, 8, 3))
            far = model(outside)
            model = keras.Model(outside, [keras.layers.ReLU()(far[0]), keras.layers.Rescaling(2.0)(far[1])])
        path, expected = save_model(model, tmp_path / f"m.{ending}"), model(PICTURE)[1]
        marker.unlink()
        loaded = load_model(path)
        assert not marker.exists()
        names = [each.name.partition("_")[0] for each in loaded.missing]
        assert names == (["inside/lambda", "inside/conv2d", "re"] if nested else ["lambda", "conv2d"])
        np.testing.assert_allclose(loaded.model(PICTURE), expected, rtol=1e-5, atol=1e-5)

    def test_nothing_left_is_one_line(self, tmp_path, marker):
        code = layer("Lambda", "code", function=self.code(marker), batch_input_shape=[None, 8, 8, 3])
        path = write(tmp_path / "m.h5", {"class_name": "Sequential", "config": [code]}, {})
        with pytest.raises(
            ModelError, match=r"nothing in it can be built: code \(Lambda\) .* --allow-unsafe"
        ):
            load_model(path)


MODULE = """
import keras
def swish6(x):
    return x * keras.ops.relu6(x + 3) / 6
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


@pytest.fixture
def own_module(keras, tmp_path, monkeypatch):
    """Put a module into the current folder, and forget afterwards what was registered."""
    (tmp_path / "own_things.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    known = keras.utils.get_custom_objects()
    before = dict(known)
    yield "own_things"
    known.clear()
    known.update(before)
    sys.modules.pop("own_things", None)


def custom_file(path):
    layers = [
        picture_input(),
        layer("Activation", "act", ["input"], activation="swish6"),
        layer("Twice", "two", ["act"]),
    ]
    return write(path, functional([*layers, layer("ReLU", "relu", ["input"])], ["two", "relu"]), {})


def test_what_only_its_author_has_is_left_out_or_registered(own_module, tmp_path):
    path = custom_file(tmp_path / "m.h5")
    assert [(each.name, each.reason) for each in load_model(path).missing] == [
        ("act", "needs swish6, which only its author has: --custom-objects module:swish6"),
        ("two", "needs Twice, which only its author has: --custom-objects module:Twice"),
    ]
    assert own_module not in sys.modules
    register_custom_objects([f"{own_module}:swish6", f"{own_module}:Twice"])
    loaded = load_model(path)
    assert loaded.missing == ()
    np.testing.assert_allclose(
        loaded.model(PICTURE)[0], 2 * PICTURE * np.minimum(PICTURE + 3, 6) / 6, rtol=1e-5
    )
    assert "" not in sys.path[:1]


@pytest.mark.usefixtures("own_module")
@pytest.mark.parametrize(
    "spec", ["", "own_things", "own_things:", "own_things:Nothing", "nowhere:Thing", ":x"]
)
def test_bad_custom_objects_are_one_line(spec):
    with pytest.raises(ModelError, match="expected module:name of a class or function") as caught:
        register_custom_objects([spec])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_modules_that_a_file_names_are_not_imported(keras, new_file, tmp_path, monkeypatch, ending):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Dense: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    model = load_model(new_file).model
    path = save_model(model, tmp_path / f"m.{ending}")

    def spoil(config):
        config = json.loads(config)
        config["config"]["layers"][-1] |= {"class_name": "Evil", "module": "evil", "registered_name": "Evil"}
        return json.dumps(config)

    if ending == "h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = spoil(file.attrs["model_config"])
    else:
        replace_in_zip(path, "config.json", spoil)
    asked = []  # Keras before 3.11 would import it
    monkeypatch.setattr(keras.models, "load_model", lambda *args, **_: asked.append(args))
    assert [each.kind for each in load_model(path).missing] == ["Evil"]
    assert asked == []
    assert not (tmp_path / "ran").exists()


def replace_in_zip(path, name, change):
    with zipfile.ZipFile(path) as archive:
        content = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in content.items():
            archive.writestr(each, change(data) if each == name else data)


def test_a_model_of_its_authors_own_class_is_the_graph_that_it_is(keras, tmp_path):
    class Own(keras.Model):
        pass

    inputs = keras.Input((8, 8, 3))
    model = Own(inputs, keras.layers.Conv2D(2, 3)(inputs))
    loaded = load_model(save_model(model, tmp_path / "m.keras"))
    np.testing.assert_allclose(loaded.model(PICTURE), model(PICTURE), rtol=1e-6)
    assert loaded.repairs == (keras1_and_2.PLAIN_MODEL,)


def test_the_first_files_called_keras_load(keras, tmp_path):
    """Those of Keras 2.13 have old modules, and weights below another name."""
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Conv2D(2, 3)])
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.TimeDistributed(keras.layers.Dense(4))(inner(inputs))
    model = keras.Model(
        inputs, keras.layers.Bidirectional(keras.layers.LSTM(2))(keras.layers.Reshape((16, 4))(x))
    )
    path = save_model(model, tmp_path / "m.keras")

    def older(data):
        config = json.loads(data)
        text = json.dumps(config | {"module": "keras.src.engine.functional"})
        return text.replace('"module": "keras.models"', '"module": "keras.src.engine.sequential"')

    def moved(data):
        (tmp_path / "w.h5").write_bytes(data)
        with h5py.File(tmp_path / "w.h5", "r+") as file:
            file.move("layers", "_layer_checkpoint_dependencies")
            nested = file["_layer_checkpoint_dependencies/sequential"]
            nested.move("layers", "_layer_checkpoint_dependencies")
        return (tmp_path / "w.h5").read_bytes()

    replace_in_zip(path, "config.json", older)
    replace_in_zip(path, "model.weights.h5", moved)
    replace_in_zip(path, "metadata.json", lambda _: '{"keras_version": "2.13.1"}')
    loaded = load_model(path)
    assert loaded.missing == ()
    np.testing.assert_allclose(loaded.model(PICTURE), model(PICTURE), rtol=1e-5, atol=1e-6)


def simple(path, **changes):
    """Write a small old model with one thing wrong."""
    conv = layer("Conv2D", "conv", filters=2, kernel_size=[3, 3], batch_input_shape=[None, 8, 8, 3])
    weights = changes.get("weights", {"conv": conv_weights("conv")})
    return write(path, changes.get("config", {"class_name": "Sequential", "config": [conv]}), weights)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"conv": conv_weights("conv", 4)}, r"expected weights of shape \(3, 3, 3, 2\)"),
        ({"conv": conv_weights("conv")[:1]}, "expected 2 weights for conv, received 1"),
        ({}, "expected weights for 1 layers, received 0"),
        (
            {"conv": conv_weights("conv"), "more": conv_weights("more")},
            "expected weights for 1 layers, received 2",
        ),
    ],
)
def test_weights_that_do_not_fit_are_never_silent(tmp_path, weights, words):
    with pytest.raises(ModelError, match=words):
        load_model(simple(tmp_path / "m.h5", weights=weights))


@pytest.mark.parametrize(
    "config",
    [
        "not json", "[]", "3", "{}", '{"class_name": "Sequential"}', '{"class_name": 3, "config": {}}',
        "[" * 60_000,
        *map(json.dumps, [
            {"class_name": "Sequential", "config": []},
            {"class_name": "Sequential", "config": [3]},
            {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": None}]}},
            {"class_name": "Sequential", "config": [layer("Dense", "no_shape", units=3)]},
            {"class_name": "Own", "config": {"name": "sub_classed"}},
            {"class_name": "Conv2D", "config": {"name": "c", "filters": 3, "kernel_size": 3}},
            functional([picture_input()], ["nowhere"]),
            functional([picture_input(), layer("ReLU", "a", ["b"]), layer("ReLU", "b", ["a"])], ["b"]),
            functional([picture_input() | {"inbound_nodes": 3}], ["input"]),
        ]),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_one_line(tmp_path, config):
    path = simple(tmp_path / "m.h5", weights={})
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_weights_may_not_lie_in_another_file(tmp_path):
    np.arange(8, dtype=np.float32).tofile(tmp_path / "secret")
    path = simple(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        group = file["model_weights/conv/conv"]
        del group["bias:0"]
        group.create_dataset("bias:0", (2,), "f4", external=[(os.fspath(tmp_path / "secret"), 0, 8)])
    with pytest.raises(ModelError, match="a pointer to another file"):
        load_model(path)
