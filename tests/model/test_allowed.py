"""Nothing that a model file names is run, imported or read, and what is harmless still loads."""

import inspect
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hostile
import keras
import numpy as np
import pytest
from hostile import limited

from generator.core.errors import ModelError
from generator.core.facts import FileKind
from generator.model.keras import allowed, loading, rebuilding
from generator.model.keras.loading import LoadedModel, load_model

CANARY = "canary-7d1f"
PACKAGES = (
    "applications", "datasets", "utils", "saving", "config", "callbacks", "models", "export", "tree",
    "distribution", "random", "preprocessing", "backend", "legacy", "visualization", "wrappers", "losses",
    "metrics", "optimizers", "mixed_precision",
)  # fmt: skip
FILES = ("small.keras", "small.h5", "chain.keras", "chain.h5")
HARMLESS = {
    keras.Model, keras.Sequential, keras.random.SeedGenerator, keras.DTypePolicy, keras.FloatDTypePolicy
}  # fmt: skip


def small_model() -> keras.Model:
    inputs = keras.Input((8, 8, 3), name="input")
    x = keras.layers.Conv2D(2, 3, activation="relu", name="conv")(inputs)
    return keras.Model(inputs, keras.layers.Activation("relu", name="last")(x), name="small")


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> dict[str, bytes]:
    """Return a functional and a Sequential model in both kinds of file."""
    folder = tmp_path_factory.mktemp("contents")
    model = small_model()
    chain = keras.Sequential([keras.Input((8, 8, 3)), *model.layers[1:]], name="chain")
    found = {}
    for each in (model, chain):
        for ending in ("keras", "h5"):
            path = folder / f"{each.name}.{ending}"
            each.save(path)
            found[path.name] = path.read_bytes()
    return found


def changed(content: bytes, stored: dict) -> bytes:
    """Return a model file whose last layer is another one."""
    config = hostile.config_of(content)
    last = config["config"]["layers"][-1]
    kept = {key: last[key] for key in ("inbound_nodes", "name") if key in last}
    config["config"]["layers"][-1] = stored | kept
    return hostile.with_config(content, config)


def opened(path: Path, content: bytes) -> LoadedModel | str:
    """Return what becomes of a model file: a model, or the message of the error."""
    path.write_bytes(content)
    with limited():
        try:
            return load_model(path)
        except ModelError as error:
            return str(error)


def told(found: LoadedModel | str) -> str:
    """Return all that is said of a model, and what it knows of its layers."""
    if isinstance(found, str):
        return found
    return f"{found.missing} {found.repairs} {json.dumps(found.model.get_config(), default=str)}"


def stored_layer(kind: str, module: str | None = "keras.layers", **config) -> dict:
    """Return what a file has of a layer; for an HDF5 file without its module."""
    found = {"class_name": kind, "config": {"name": "last", **config}}
    return found | ({"module": module, "registered_name": None} if module else {})


def function(module: str, name: str) -> dict:
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def public_objects() -> dict[str, object]:
    """Return the public functions and classes below `keras` that no model is made of, by their path."""
    found, seen = {}, set()
    pending = [(f"keras.{name}", getattr(keras, name)) for name in PACKAGES if hasattr(keras, name)]
    while pending:
        path, module = pending.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        for name, each in vars(module).items():
            if name.startswith("_"):
                continue
            if inspect.ismodule(each) and each.__name__.startswith("keras"):
                pending.append((f"{path}.{name}", each))
            elif inspect.isroutine(each) or inspect.isclass(each):
                found[f"{path}.{name}"] = each
    return found


PUBLIC = public_objects()
LOADED = (
    "keras.applications.imagenet_utils.decode_predictions", "keras.applications.resnet50.decode_predictions",
    "keras.applications.MobileNetV2", "keras.datasets.mnist.load_data", "keras.datasets.cifar10.load_data",
    "keras.utils.get_file", "keras.utils.load_img", "keras.utils.plot_model", "keras.saving.load_model",
    "keras.models.load_model", "keras.models.model_from_json", "keras.config.enable_unsafe_deserialization",
    "keras.config.set_floatx", "keras.utils.deserialize_keras_object", "keras.random.shuffle",
    "keras.callbacks.RemoteMonitor", "keras.callbacks.ModelCheckpoint", "keras.tree.map_structure",
    "keras.distribution.initialize", "keras.export.ExportArchive", "keras.utils.FeatureSpace",
)  # fmt: skip


def test_there_is_something_to_refuse():
    assert len(PUBLIC) > 400 and set(LOADED) <= set(PUBLIC)


@pytest.mark.parametrize("hdf5", [False, True])
def test_no_public_function_or_class_but_those_that_compute_may_be_named(hdf5):
    """By its module and name, as one of Keras's built-in functions, by name alone, and in a Lambda layer."""
    for path, each in PUBLIC.items():
        module, _, name = path.rpartition(".")
        if each in HARMLESS:
            continue
        named = [function(module, name), function(f"{module}.{name}", name)]
        if not allowed.is_activation(name):
            named.append(function("builtins", name))
            named.append(name)
        for activation in named:
            layer = stored_layer("Activation", activation=activation)
            assert allowed.refusal(layer, hdf5), activation
        for place in (module, each.__module__, f"{module}.{name}"):
            assert allowed.refusal(stored_layer(name, place), hdf5), (place, name)
        if name not in allowed.CLASS_NAMES:
            assert allowed.refusal(stored_layer(name, None), hdf5), name
            assert rebuilding.Builder(False, False)._find_class(name, None, False) is None, name
        assert allowed.refusal(stored_layer("Lambda", function=function(module, name)), hdf5)


OURS = ("load_model", "deserialize_keras_object", "map_structure")  # which loading calls itself


@contextmanager
def watched(targets: list[object]) -> Iterator[list[str]]:
    """Give the names of those of the functions and classes that are called meanwhile."""
    functions = [each.__init__ if inspect.isclass(each) else each for each in targets]
    codes = {getattr(inspect.unwrap(each), "__code__", None): each for each in functions} | {None: None}
    called = []

    def note(frame, event, _argument):
        if event == "call" and frame.f_code in codes:
            called.append(frame.f_code.co_qualname)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_names_is_never_called(contents, tmp_path, name):
    targets = [PUBLIC[path] for path in LOADED if path.rpartition(".")[2] not in OURS]
    new = name.endswith("keras")
    with watched(targets) as called:
        for path in LOADED:
            module, _, last = path.rpartition(".")
            here = "keras.layers" if new else None
            layers = [
                stored_layer("Activation", here, activation=each)
                for each in (function(module, last), function("builtins", last), last)
            ]
            layers += [stored_layer(last, module if new else None), stored_layer(last, module)]
            layers += [stored_layer("Lambda", here, function=function(module, last))]
            layers += [stored_layer("Lambda", None, function=last, function_type="function")]
            for layer in layers:
                found = opened(tmp_path / f"model.{'keras' if new else 'h5'}", changed(contents[name], layer))
                assert isinstance(found, str) or [each.name for each in found.missing] == ["last"], layer
                assert called == [] and keras.config.floatx() == "float32", layer
                assert keras.src.saving.serialization_lib.in_safe_mode() is None


def test_the_list_of_layers_is_that_of_the_installed_keras():
    """A layer that a new Keras brings has to be looked at: does it read, run or reach anything?"""
    layers = {name for name, each in vars(keras.layers).items() if inspect.isclass(each)}
    public = {name for name in layers if issubclass(getattr(keras.layers, name), keras.Layer)}
    assert public - set(allowed.UNSAFE) - set(allowed.ABSTRACT) == allowed.LAYERS


def test_functions_and_operations_only_compute():
    names = {name for _, name in allowed.FUNCTIONS}
    assert {"relu", "gelu", "resize", "einsum"} <= names
    assert not names & {"get", "serialize", "deserialize", "map", "while_loop", "vectorize"}
    assert "WhileLoop" not in allowed.OPERATIONS and "Relu" in allowed.OPERATIONS
    assert {module.split(".")[1] for module, _ in allowed.FUNCTIONS} == {"activations", "ops"}


READERS = {
    "IntegerLookup": {"vocabulary_dtype": "int64"},
    "StringLookup": {},
    "TextVectorization": {},
}


def attacks(path: str, new: bool) -> dict[str, dict]:
    """Return layers that name a file as their vocabulary, inside all that may have layers inside."""
    module = "keras.layers" if new else None
    found = {}
    for kind, extra in READERS.items():
        layer = stored_layer(kind, module, vocabulary=path, **extra)
        found[kind] = layer
        for wrapper in ("TimeDistributed", "Bidirectional", "SpectralNormalization", "Wrapper"):
            found[f"{kind} in {wrapper}"] = stored_layer(wrapper, module, layer=layer)
        found[f"{kind} backwards"] = stored_layer(
            "Bidirectional", module, layer=stored_layer("LSTM", module, units=2), backward_layer=layer
        )
        found[f"{kind} as a cell"] = stored_layer("RNN", module, cell=layer)
        cells = stored_layer("StackedRNNCells", module, cells=[layer])
        found[f"{kind} among cells"] = stored_layer("RNN", module, cell=cells)
        found[f"{kind} in a Pipeline"] = stored_layer("Pipeline", module, layers=[layer])
        found[f"{kind} as an activation"] = stored_layer("Activation", module, activation=layer)
        found[f"{kind} as an initializer"] = stored_layer(
            "Conv2D", module, filters=1, kernel_size=1, kernel_initializer=layer, activity_regularizer=layer
        )
        chain = {"name": "last", "layers": [stored_layer("InputLayer", module, batch_shape=[None, 6, 6, 2])]}
        chain["layers"].append(layer | {"config": layer["config"] | {"name": "inner"}})
        model = {"class_name": "Sequential", "config": chain}
        found[f"{kind} in a model"] = model | ({"module": "keras", "registered_name": None} if new else {})
        found[f"{kind} in a wrapped model"] = stored_layer("TimeDistributed", module, layer=model)
        hidden = {"class_name": "Attention", "module": "keras.layers", "registered_name": None}
        found[f"{kind} hidden"] = hidden | {"config": {"name": "last", "x": [{"y": {"z": layer}}]}}
        found[f"{kind} passively"] = stored_layer(
            "Activation", module, activation="relu", x=layer | {"__passive_serialization__": True}
        )
    found["idf_weights"] = stored_layer(
        "IntegerLookup", module, vocabulary=[1, 2], idf_weights=path, output_mode="tf_idf"
    )
    found["weights"] = stored_layer("Embedding", module, input_dim=3, output_dim=2, weights=path)
    found["TFSMLayer"] = stored_layer("TFSMLayer", module, filepath=path)
    return found


@pytest.fixture
def places(tmp_path, monkeypatch) -> list[str]:
    """Return places with a canary in them, and such as must not be reached."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "plain").write_text(f"{CANARY}\n1\n")
    (folder / "numbers").write_text("4711\n4712\n")
    os.mkfifo(folder / "pipe")
    monkeypatch.setenv("SECRET", CANARY)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    addresses = ["gs://bucket/canary", "file:secret", "http://127.0.0.1:9/x", "~/plain", "/proc/self/environ"]
    return [str(folder / name) for name in ("plain", "numbers", "pipe")] + ["plain", *addresses]


@pytest.mark.parametrize("name", FILES)
def test_no_file_that_a_model_names_is_read(contents, places, tmp_path, monkeypatch, name):
    import tensorflow as tf

    def never(path, *_args, **_kwargs):
        raise AssertionError(f"reached for {path}")

    for each in ("exists", "GFile", "isdir", "stat"):
        monkeypatch.setattr(tf.io.gfile, each, never)
    path = tmp_path / f"model.{name.rpartition('.')[2]}"
    for place in places:
        for kind, layer in attacks(place, name.endswith("keras")).items():
            found = opened(path, changed(contents[name], layer))
            said = told(found)
            assert CANARY not in said and "4711" not in said and "reached for" not in said, (kind, place)
            if isinstance(found, LoadedModel) and "initializer" not in kind:
                assert any(each.name.startswith("last") for each in found.missing), (kind, place)


def test_a_vocabulary_in_a_file_is_left_out_in_our_words_and_the_rest_is_drawn(contents, tmp_path):
    layer = stored_layer("IntegerLookup", vocabulary="/etc/hostname")
    found = opened(tmp_path / "model.keras", changed(contents["small.keras"], layer))
    assert [(each.name, each.reason) for each in found.missing] == [("last", allowed.FILE)]
    assert [each.name for each in found.model.layers] == ["input", "conv"]
    stored = loading._describe(tmp_path / "model.keras", FileKind.ZIP)
    with pytest.raises(ModelError, match="names a file or an address"):
        loading._load_plainly(tmp_path / "model.keras", stored, False)


def test_a_trusted_file_may_name_files(contents, tmp_path):
    (tmp_path / "words").write_text("5\n7\n")
    layer = stored_layer("IntegerLookup", vocabulary=str(tmp_path / "words"), vocabulary_dtype="int64")
    path = tmp_path / "model.keras"
    path.write_bytes(changed(contents["small.keras"], layer))
    found = load_model(path, allow_unsafe=True)
    assert found.model.get_layer("last").get_vocabulary() == [-1, 5, 7]


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd",
        "a/b",
        "..\\x",
        "~",
        "~root",
        " ~/x",
        "file:x",
        "gs:x",
        "http://x",
        "C:x",
        "hf://x",
        "data:,1",
    ],
)
def test_what_looks_like_a_path_or_an_address_is_refused_anywhere(text):
    assert allowed.refusal(stored_layer("Dense", units=text)) == allowed.FILE
    assert allowed.refusal(stored_layer("Dense", x=[{"y": [1, [text]]}])) == allowed.FILE
    assert allowed.refusal({"args": [], "kwargs": {"inputs": text}}) == allowed.FILE


def test_names_may_look_like_paths():
    layer = stored_layer("Dense") | {"name": "a/b", "inbound_nodes": [[["c/d", 0, 0, {"x": ["e/f", 1, 0]}]]]}
    layer["config"]["name"] = "a/b"
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [1], "keras_history": ["g/h", 0, 0]}}
    layer["build_config"] = {"input_shape": [None, 3]}
    config = {"layers": [layer, {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]}]}
    config |= {"input_layers": [["c/d", 0, 0]], "output_layers": {"x": ["a/b", 0, 0]}}
    assert allowed.refusal(config) is None
    assert allowed.refusal({"inbound_nodes": [[["a/b", 0, 0, {"x": "/etc"}]]]}) == allowed.FILE
    assert allowed.refusal({"name": ["a/b", 0, 0]}) == allowed.FILE
    assert allowed.refusal({"registered_name": "a/b"}) == allowed.FILE
    assert allowed.refusal({"dtype": "gptq/4/128_from_float32"}) is None
    assert allowed.refusal({"dtype": "gptq/4/128/../x"}) == allowed.FILE


ADVISORIES = {  # what was published about Keras, adapted to what is looked at here
    "CVE-2024-3660: code in a Lambda layer": stored_layer(
        "Lambda", function={"class_name": "__lambda__", "config": {"code": "4wAAAA==", "defaults": None}}
    ),
    "CVE-2025-1550: any function of any module": stored_layer(
        "Activation", activation=function("os", "system")
    ),
    "CVE-2025-1550: any class of any module": stored_layer("Popen", "subprocess", args=["true"]),
    "CVE-2025-8747: get_file as a Lambda's function": stored_layer(
        "Lambda", function=function("keras.utils", "get_file"), arguments={"origin": "http://127.0.0.1:9/x"}
    ),
    "CVE-2025-9906: safe mode switched off": stored_layer(
        "Activation", activation=function("keras.config", "enable_unsafe_deserialization")
    ),
    "CVE-2025-9906: the same by its module": stored_layer(
        "Activation",
        activation=function("keras.src.saving.serialization_lib", "enable_unsafe_deserialization"),
    ),
    "CVE-2025-9905: old code in an old place": stored_layer(
        "Lambda", None, function=["4wAAAA==", None, None], function_type="lambda"
    ),
    "CVE-2025-12058: a vocabulary of a file": stored_layer("StringLookup", vocabulary="/etc/passwd"),
    "CVE-2025-12060: get_file unpacks an archive": stored_layer(
        "get_file", "keras.utils", fname="x", origin="http://127.0.0.1:9/x.tar", extract=True
    ),
    "CVE-2026-1462: a SavedModel beside it": stored_layer("TFSMLayer", filepath="/tmp/saved"),
    "a pickle in a TorchModuleWrapper": stored_layer("TorchModuleWrapper", data="gASVAAAA"),
    "a type of TensorFlow's": stored_layer(
        "Activation", activation="relu", x={"class_name": "TypeSpec", "type_spec": "x", "serialized": []}
    ),
    "a type of TensorFlow's in new words": stored_layer(
        "Activation", x={"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "x", "config": []}
    ),
    "a custom class over a listed name": stored_layer("Lambda")
    | {"registered_name": "activation_gallery>keras_2_hard_sigmoid"},
    "a built-in under another's module": stored_layer("Dense", "keras.utils", units=1),
    "a module of Keras that would be imported": stored_layer(
        "Sequential", "keras.src.models.sequential_test"
    ),
    "a helper of layers as an activation": stored_layer("Activation", activation="deserialize"),
    "a helper of layers as a layer": stored_layer("deserialize", "keras.layers", config={}),
    "a helper as an activation, in full": stored_layer(
        "Activation", activation=function("keras.activations", "get")
    ),
    "optimizers to compile with": stored_layer("Dense", units=1) | {"module": "keras.optimizers"},
    "an array of text of gigabytes": stored_layer(
        "Rescaling", scale={"class_name": "__numpy__", "config": {"value": ["x"], "dtype": "U1000000000"}}
    ),
}


@pytest.mark.parametrize("name", ADVISORIES)
@pytest.mark.parametrize("file", FILES)
def test_what_was_published_about_keras_fails(contents, tmp_path, name, file):
    assert allowed.refusal(ADVISORIES[name], hdf5=file.endswith("h5"))
    stored = dict(ADVISORIES[name])
    for layer in (stored, {key: stored[key] for key in ("class_name", "config")}):
        found = opened(tmp_path / f"model.{file.rpartition('.')[2]}", changed(contents[file], layer))
        harmless = layer["class_name"] == "Dense" or "type of TensorFlow" in name
        assert harmless or isinstance(found, str) or [each.name for each in found.missing] == ["last"]
        assert keras.src.saving.serialization_lib.in_safe_mode() is None


def test_nothing_is_compiled_whatever_a_nested_layer_says(contents, tmp_path, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("compiled")

    monkeypatch.setattr(keras.Model, "compile_from_config", never)
    config = hostile.config_of(contents["small.keras"])
    config["config"]["layers"][1]["compile_config"] = {"optimizer": "adam"}
    config["compile_config"] = {"optimizer": function("keras.utils", "get_file")}
    found = opened(tmp_path / "model.keras", hostile.with_config(contents["small.keras"], config))
    assert isinstance(found, LoadedModel) and not found.missing, found
    stored = hostile.config_of(contents["chain.h5"])
    stored["config"]["layers"][-1] |= {"module": "keras.layers", "compile_config": {"optimizer": "adam"}}
    assert allowed.refusal(stored, hdf5=True)


def samples() -> dict[str, keras.Model]:
    """Return models with all that a file can have to be loaded by Keras itself."""
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input((16, 16, 3))
    shared = layers.Conv2D(4, 3, padding="same", activation="gelu", kernel_regularizer="l2",
                           kernel_constraint=keras.constraints.MaxNorm(2.0))  # fmt: skip
    norm = layers.BatchNormalization()
    inner = keras.Sequential([keras.Input((16, 16, 4)), layers.Conv2D(4, 1), norm], name="inner")
    x = layers.Conv2D(4, 3, padding="same", kernel_initializer=keras.initializers.HeNormal(seed=3))(inputs)
    x = shared(inner(shared(x)))
    x = ops.relu(x + 1.0)[:, :8] * np.float32(0.5)
    x = ops.image.resize(x, (8, 8))
    x = layers.Activation(ops.silu)(x)
    x = layers.TimeDistributed(layers.Bidirectional(layers.LSTM(2, return_sequences=True)))(
        layers.Reshape((8, 8, 4))(x)
    )
    graph = keras.Model(inputs, [x, ops.mean(x, axis=(1, 2))], name="graph")
    cells = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)
    chain = keras.Sequential([
        keras.Input((8, 6)), layers.Rescaling(1 / 255, offset=[0.5] * 6), cells,
        layers.Dense(3, dtype="mixed_float16"),
        layers.Dropout(0.2, seed=1), layers.GaussianNoise(0.1), layers.EinsumDense("abc,cd->abd", (8, 3)),
        layers.Discretization([0.0, 1.0]), layers.CategoryEncoding(num_tokens=3, output_mode="one_hot"),
    ], name="chain")  # fmt: skip
    pipe = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Pipeline([layers.RandomFlip(), layers.Rescaling(2.0)]),
            layers.SpectralNormalization(layers.Conv2D(2, 3)),
            layers.PReLU(),
            layers.GroupNormalization(1),
        ],
        name="pipe",
    )
    queries = keras.Input((5, 4))
    attended = layers.Attention(score_mode="dot")([layers.MultiHeadAttention(2, 3)(queries, queries)] * 2)
    return {"graph": graph, "chain": chain, "pipe": pipe, "attention": keras.Model(queries, attended)}


@pytest.fixture(scope="module")
def sample_models() -> dict[str, keras.Model]:
    keras.utils.set_random_seed(0)
    return samples()


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras looks where it has saved nothing
@pytest.mark.parametrize("name", ["graph", "chain", "pipe", "attention"])
def test_files_of_today_are_loaded_as_keras_does(sample_models, tmp_path, monkeypatch, name):
    """With the same layers, the same sharing and the same numbers, and by the checked configuration alone."""
    model, path = sample_models[name], tmp_path / "model.keras"
    for layer in model.layers:
        layer.set_weights([np.random.default_rng(1).random(each.shape) for each in layer.get_weights()])
    model.save(path)
    values = np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)
    plain = keras.models.load_model(path, compile=False)
    monkeypatch.setattr(keras.models, "load_model", None)
    monkeypatch.setattr(loading, "_rebuild", None)
    found = load_model(path)
    assert not found.missing and len(found.model.weights) == len(plain.weights)
    assert json.dumps(found.model.get_config()) == json.dumps(plain.get_config())
    for one, other in zip(found.model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    outputs = [keras.tree.flatten(each(values, training=False)) for each in (found.model, plain, model)]
    for one, other, original in zip(*outputs, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, original)


def test_what_keras_would_load_again_is_not_read_again(contents, tmp_path):
    """The configuration that was checked is the one that is built, though the file says something else."""
    path = tmp_path / "model.keras"
    path.write_bytes(contents["small.keras"])
    stored = loading._describe(path, FileKind.ZIP)
    layer = stored_layer("IntegerLookup", vocabulary="/etc/hostname")
    path.write_bytes(changed(contents["small.keras"], layer))
    assert loading._load_plainly(path, stored, False).model.layers[-1].name == "last"
    with zipfile.ZipFile(path) as archive:
        assert "hostname" in archive.read("config.json").decode()


def test_registered_classes_and_functions_load_under_their_exact_names(contents, tmp_path):
    custom = dict(keras.saving.get_custom_objects())

    @keras.saving.register_keras_serializable("mine")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return x * 2

    try:
        good = {"module": "elsewhere", "class_name": "Twice", "config": {"name": "last"}}
        good |= {"registered_name": "mine>Twice"}
        found = opened(tmp_path / "model.keras", changed(contents["small.keras"], good))
        assert not found.missing and type(found.model.layers[-1]) is Twice
        other = {"class_name": "get_file", "module": "keras.utils", "registered_name": "other>Twice"}
        code = {"class_name": "Lambda", "module": "keras.layers"}
        for bad in (other, code, {"class_name": "__lambda__"}):
            assert allowed.refusal(good | bad), bad
    finally:
        keras.saving.get_custom_objects().clear()
        keras.saving.get_custom_objects().update(custom)
        keras.src.saving.object_registration.GLOBAL_CUSTOM_NAMES.pop(Twice, None)
