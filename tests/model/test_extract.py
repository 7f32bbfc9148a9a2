"""Models of every kind: each layer is found, fed, drawn and the same as the model computes by itself."""

import re

import numpy as np
import pytest
from conftest import save_model

from generator.core.errors import ImageError, ModelError
from generator.core.facts import FedConstant, FedImage, FedZeros, Missing, Notice, Shown
from generator.core.records import ReceptiveField
from generator.model.keras.extractor import KerasExtractor


def picture(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


class Opened(KerasExtractor):
    """An extractor of a model in memory, where how it was loaded does not matter."""

    def __init__(self, model, tmp_path, **options):
        super().__init__(save_model(model, tmp_path / "model.keras"), "", **options)


def named(extractor) -> dict:
    """Return the layers by name."""
    return {layer.name: layer for layer in extractor.describe().layers}


@pytest.fixture
def custom(keras):
    """Register classes that only their author has, for one test."""

    @keras.saving.register_keras_serializable("tests", "Block")
    class Block(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.conv = keras.layers.Conv2D(3, 3, padding="same", name="conv")
            self.unused = keras.layers.Conv2D(3, 3, name="unused")

        def build(self, shape):
            self.conv.build(shape)
            self.built = True

        def call(self, x):
            return keras.ops.relu(self.conv(x) + x)

    @keras.saving.register_keras_serializable("tests", "Subclassed")
    class Subclassed(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.block = Block(name="block")
            self.parts = [keras.layers.Flatten(name="flat"), keras.layers.Dense(2, name="dense")]

        def call(self, x):
            x = self.block(x)
            for part in self.parts:
                x = part(x)
            return x

    @keras.saving.register_keras_serializable("tests", "Noise")
    class Noise(keras.layers.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    yield {"Block": Block, "Subclassed": Subclassed, "Noise": Noise}
    for name in ("tests>Block", "tests>Subclassed", "tests>Noise"):
        keras.saving.get_custom_objects().pop(name, None)


def test_sub_classed_models_show_what_is_inside(custom, tmp_path):
    model = custom["Subclassed"]()
    model(np.zeros((1, 8, 8, 3), np.float32))
    extractor = Opened(model, tmp_path, verify=True)
    layers = named(extractor)
    assert list(layers) == ["block/conv", "block", "flat", "dense", "unused"]
    assert layers["unused"].missing is Missing.NEVER_CALLED
    values = picture(8, 8, 3)
    activations = extractor.extract(values)
    expected = np.maximum(activations.maps[1] + values, 0)
    np.testing.assert_allclose(activations.maps[2], expected, atol=1e-6)
    assert activations.check.failed == ()


def test_operations_are_listed_and_not_drawn(keras, tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 1, name="conv")(inputs * 2)
    model = keras.Model(inputs, keras.ops.relu(x))
    layers = Opened(model, tmp_path).describe().layers
    assert [layer.kind.lower() for layer in layers] == ["multiply", "conv2d", "relu"]
    assert [layer.missing is None for layer in layers] == [False, True, False]
    assert layers[0].missing is Missing.NO_LAYER


def test_time_steps_show_the_middle_one(keras, tmp_path):
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten(name="flat")],
        name="inner",
    )
    inputs = keras.Input((5, 8, 8, 3))
    x = keras.layers.TimeDistributed(keras.layers.Conv2D(3, 1, name="point"), name="pointwise")(inputs)
    x = keras.layers.TimeDistributed(inner, name="steps")(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="end")(x))
    extractor = Opened(model, tmp_path, verify=True)
    layers = named(extractor)
    assert list(layers) == ["pointwise", "steps/inner/conv", "steps/inner/flat", "end"]
    middle = Notice(shown=Shown.TIME_STEP, number=3, total=5)
    assert layers["pointwise"].notice == layers["steps/inner/conv"].notice == middle
    assert layers["pointwise"].family == "convolution"
    assert layers["pointwise"].map_shape == (8, 8, 3)
    activations = extractor.extract(picture(8, 8, 3))
    kernel, bias = inner.get_layer("conv").get_weights()
    point = activations.maps[1]
    expected = np.einsum("ijc,co->ijo", point[1:7, 1:7], kernel[1, 1])  # one tap of nine, as a spot check
    others = [
        point[a : a + 6, b : b + 6] @ kernel[a, b] for a in range(3) for b in range(3) if (a, b) != (1, 1)
    ]
    np.testing.assert_allclose(activations.maps[2], expected + sum(others) + bias, atol=1e-5)
    assert activations.check.failed == ()


def test_sequences_are_one_picture_of_channels_over_time(keras, tmp_path):
    inputs = keras.Input((12, 6))  # an input without a channel axis: 12 rows of 6 values
    x = keras.layers.Conv1D(4, 3, name="conv")(inputs)
    extractor = Opened(keras.Model(inputs, keras.layers.GlobalMaxPooling1D(name="end")(x)), tmp_path)
    assert extractor.describe().input_shape == (12, 6, 1)
    conv = named(extractor)["conv"]
    assert (conv.shape, conv.map_shape, conv.channels) == ((10, 4), (4, 10, 1), 1)
    assert conv.notice == Notice(shown=Shown.SEQUENCE)
    values = picture(12, 6, 1)
    kernel, bias = extractor.model.get_layer("conv").get_weights()
    expected = sum(values[tap : tap + 10, :, 0] @ kernel[tap] for tap in range(3)) + bias
    np.testing.assert_allclose(extractor.extract(values).maps[1][..., 0], expected.T, atol=1e-5)


def test_volumes_show_their_middle_slice(keras, tmp_path):
    inputs = keras.Input((6, 10, 10, 3))
    x = keras.layers.Conv3D(4, (1, 3, 3), name="conv")(inputs)
    extractor = Opened(keras.Model(inputs, keras.layers.GlobalAveragePooling3D(name="end")(x)), tmp_path)
    info = extractor.describe()
    assert info.inputs[0].fed == FedImage(frames=6)
    assert info.layers[0].map_shape == (8, 8, 4)
    assert info.layers[0].notice == Notice(shown=Shown.SLICE, number=4, total=6)
    assert extractor.extract(picture(10, 10, 3)).maps[1].shape == (8, 8, 4)


def test_channels_first_is_read_from_the_layers_and_carried_on(keras, tmp_path):
    layers = keras.layers
    first = {"data_format": "channels_first"}
    model = keras.Sequential([
        keras.Input((3, 10, 12)),
        layers.MaxPooling2D(2, name="pool", **first),
        layers.BatchNormalization(axis=1, name="norm"),
        layers.ReLU(name="relu"),
        layers.Permute((2, 3, 1), name="turn"),
        layers.Conv2D(4, 3, name="conv"),
    ])  # fmt: skip
    extractor = Opened(model, tmp_path)
    assert extractor.describe().input_shape == (10, 12, 3)
    shapes = {name: layer.shape for name, layer in named(extractor).items()}
    assert shapes["pool"] == shapes["norm"] == shapes["relu"] == shapes["turn"] == (5, 6, 3)
    assert shapes["conv"] == (3, 4, 4)
    values = picture(10, 12, 3)
    maps = extractor.extract(values).maps
    np.testing.assert_allclose(maps[1], values.reshape(5, 2, 6, 2, 3).max(axis=(1, 3)))
    np.testing.assert_allclose(maps[4], maps[3])


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 12, 3), (8, 8, 4), (8, 8, 2)])
def test_any_number_of_channels_and_a_fixed_batch(keras, tmp_path, shape):
    inputs = keras.Input(batch_shape=(3, *shape))
    extractor = Opened(keras.Model(inputs, keras.layers.Conv2D(2, 3, name="conv")(inputs)), tmp_path)
    assert extractor.describe().input_shape == shape
    assert extractor.extract(picture(*shape)).maps[1].shape == (shape[0] - 2, shape[1] - 2, 2)


def test_open_sides_are_fed_as_they_come(keras, tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D(name="end")(x)
    extractor = Opened(keras.Model(inputs, x), tmp_path)
    info = extractor.describe()
    assert info.input_shape == (None, None, 3)
    assert [layer.shape for layer in info.layers] == [(None, None, 2), (2,)]
    assert extractor.extract(picture(20, 31, 3)).maps[1].shape == (18, 29, 2)
    with pytest.raises(ImageError, match="a picture that the model runs on, received 2×2") as caught:
        extractor.extract(picture(2, 2, 3))
    assert re.search(r"received 2×2: \S+ raises \w+: use a picture of another size$", str(caught.value))


def test_receptive_fields_are_told_where_they_hold_for_every_size(keras, tmp_path):
    def fields(*size):
        inputs = keras.Input((*size, 3))
        x = keras.layers.Conv2D(2, 3, strides=2, name="valid")(inputs)
        x = keras.layers.Conv2D(2, 3, strides=2, padding="same", name="same")(x)
        x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="whole")(x)
        layers = named(Opened(keras.Model(inputs, keras.layers.Flatten(name="row")(x)), tmp_path))
        return {name: layer.receptive for name, layer in layers.items()}

    fixed, left_open = fields(32, 32), fields(None, None)
    assert fixed["valid"] == left_open["valid"] == ReceptiveField((3, 3), (2, 2), (0, 0))
    assert fixed["same"] == ReceptiveField((7, 7), (4, 4), (-2, -2))  # 15 values are padded by one before
    assert fixed["whole"].whole and fixed["row"] is None
    assert left_open["same"] is None  # an even number of values is padded at the end alone


def two_inputs(keras):
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 3), name="mask")
    size = keras.Input((4,), name="size")
    x = keras.layers.Concatenate(name="join")([image, other])
    x = keras.layers.Flatten(name="flat")(keras.layers.Conv2D(2, 3, name="conv")(x))
    x = keras.layers.Concatenate(name="numbers")([x, size])
    return keras.Model(
        [image, other, size], [keras.layers.Dense(1, name="a")(x), keras.layers.Dense(2, name="b")(x)]
    )


def test_other_inputs_get_what_is_given_or_zeros(keras, tmp_path):
    (tmp_path / "masks").mkdir()
    extractor = Opened(two_inputs(keras), tmp_path, inputs={"size": "0.5", "mask": str(tmp_path / "masks")})
    info = extractor.describe()
    assert [each.fed for each in info.inputs][::2] == [FedImage(), FedConstant(number="0.5")]
    assert info.inputs[1].folder == tmp_path / "masks"
    values, mask = picture(8, 8, 3), picture(8, 8, 3, seed=1)
    activations = extractor.extract(values, {"mask": mask})
    np.testing.assert_array_equal(activations.maps[1], np.concatenate([values, mask], axis=-1))
    assert (activations.maps[4][0, -4:, 0] == 0.5).all()
    assert [output.shape for output in activations.outputs] == [(1,), (2,)]

    plain = Opened(two_inputs(keras), tmp_path)
    assert plain.describe().inputs[1].fed == FedZeros()
    assert not plain.extract(values).maps[1][..., 3:].any()


@pytest.mark.parametrize("given", [{}, {"b": "."}])
def test_two_inputs_of_open_sizes_are_as_large_as_each_other(keras, tmp_path, given):
    first, second = (keras.Input((None, None, 3), name=name) for name in "ab")
    x = keras.layers.Conv2D(2, 3, name="conv")(keras.layers.Concatenate(name="join")([first, second]))
    model = keras.Model([first, second], keras.layers.GlobalAveragePooling2D(name="end")(x))
    extractor = Opened(model, tmp_path, inputs={name: str(tmp_path) for name in given})
    assert named(extractor)["join"].shape == (None, None, 6)
    others = {"b": picture(9, 12, 3, seed=1)} if given else {}
    maps = extractor.extract(picture(9, 12, 3), others).maps[1]
    np.testing.assert_array_equal(maps[..., 3:], others["b"] if given else np.zeros((9, 12, 3)))


def test_a_folder_is_no_pictures_for_an_input_of_two_channels(keras, tmp_path):
    first, second = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 2), name="flow")
    x = keras.layers.Conv2D(2, 3)(keras.layers.Concatenate()([first, second]))
    model = keras.Model([first, second], keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ModelError, match="a number for --input flow, which takes no grey or RGB pictures"):
        Opened(model, tmp_path, inputs={"flow": str(tmp_path)})


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"nosuch": "1"}, "one of image, mask, size, received 'nosuch'"),
        ({"size": "nowhere"}, "a number or a folder of pictures for --input size"),
        ({"image": "0", "mask": "0"}, "with an input for pictures"),
    ],
)
def test_wrong_inputs_are_one_clear_line(keras, tmp_path, inputs, words):
    with pytest.raises(ModelError, match=words):
        Opened(two_inputs(keras), tmp_path, inputs=inputs)


def test_what_goes_into_a_fused_activation_is_drawn_where_it_is_asked_for(keras, tmp_path):
    layers = [
        keras.layers.Conv2D(3, 3, activation="relu", name="conv"),
        keras.layers.Activation("relu", name="act"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    assert list(named(Opened(model, tmp_path))) == ["conv", "act"]
    extractor = Opened(model, tmp_path, pre_activation=True, verify=True)
    assert list(named(extractor)) == ["conv before relu", "conv", "act"]
    activations = extractor.extract(picture(8, 8, 3))
    assert activations.maps[1].min() < 0
    np.testing.assert_array_equal(np.maximum(activations.maps[1], 0), activations.maps[2])
    assert "activation" in vars(extractor.model.get_layer("conv"))
    assert extractor.model.get_layer("conv").activation is keras.activations.relu


def test_rows_of_numbers_and_whole_numbers_are_taken(keras, tmp_path):
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    x = keras.layers.Dense(5, name="dense")(keras.layers.Flatten(name="flat")(x))
    extractor = Opened(keras.Model(inputs, x), tmp_path)
    info = extractor.describe()
    assert info.value_range == (0, 255)
    assert [layer.is_vector for layer in info.layers] == [False, True, True]
    assert extractor.extract(np.full((8, 8, 3), 255, np.float32)).maps[3].shape == (1, 5, 1)


def test_recorded_layers_are_computed_again_and_compared(keras, tmp_path):
    layers = [keras.layers.Conv2D(3, 3, name="conv"), keras.layers.Dropout(0.5), keras.layers.Flatten()]
    extractor = Opened(keras.Sequential([keras.Input((8, 8, 3)), *layers]), tmp_path, verify=True)
    check = extractor.extract(picture(8, 8, 3)).check
    assert (check.output, check.random, check.failed) == (0, (), ())
    assert set(check.layers) == {1, 2, 3}
    assert max(check.layers.values()) < 1e-6


def test_what_is_random_at_inference_is_reported(keras, custom, tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), custom["Noise"](name="noise"), keras.layers.Conv2D(2, 3)]
    )
    check = Opened(model, tmp_path, verify=True).extract(picture(8, 8, 3)).check
    assert check.random == ("the output", "noise")
    assert check.failed == ()


def test_a_model_that_behaves_otherwise_when_it_is_watched_fails_the_check(keras, tmp_path, monkeypatch):
    extractor = Opened(
        keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv")]), tmp_path
    )
    layer = extractor.model.get_layer("conv")
    original = type(layer).call
    monkeypatch.setattr(type(layer), "call", lambda self, x: original(self, x) + ("call" in self.__dict__))
    check = extractor.extract(picture(8, 8, 3)).check
    assert check.failed == ("the output",)
    assert check.output == pytest.approx(1, abs=1e-5)


def test_layers_inside_compiled_functions_are_seen(keras, tmp_path):
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        pytest.skip("compiled functions of TensorFlow")

    @keras.saving.register_keras_serializable("tests", "Compiled")
    class Compiled(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.conv = keras.layers.Conv2D(2, 3, name="conv")

        def build(self, shape):
            self.conv.build(shape)
            self.built = True

        @tf.function
        def run(self, x):
            return self.conv(x)

        def call(self, x):
            return self.run(x)

    model = keras.Sequential([keras.Input((8, 8, 3)), Compiled(name="compiled")])
    extractor = Opened(model, tmp_path)
    extractor.model(np.zeros((1, 8, 8, 3), np.float32))  # now the function is cached
    assert list(named(extractor)) == ["compiled/conv"]
    assert not tf.config.functions_run_eagerly()
    keras.saving.get_custom_objects().pop("tests>Compiled", None)


def test_outputs_of_half_precision_are_checked_with_their_own_tolerance(keras, tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, dtype="mixed_bfloat16", name="conv")(inputs)
    extractor = Opened(keras.Model(inputs, x), tmp_path, verify=True)
    activations = extractor.extract(picture(8, 8, 3))
    assert activations.maps[1].dtype == np.float32
    assert activations.check.failed == ()


@pytest.fixture
def _tensorflow(keras):
    """Skip where TensorFlow is not the backend."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("optional: only passes of TensorFlow are compiled")


def compiled_and_not(model, tmp_path, sizes=((8, 8, 3),) * 7):
    """Return (activations from compiled passes, the same line by line), and whether anything was compiled."""
    extractor, eager = Opened(model, tmp_path), Opened(model, tmp_path, verify=True)
    pictures = [picture(*size, seed=seed) for seed, size in enumerate(sizes)]
    pairs = [(extractor.extract(each), eager.extract(each)) for each in pictures]
    assert not eager._compiled
    return pairs, any(extractor._compiled.values())


@pytest.mark.usefixtures("_tensorflow")
def test_compiled_passes_give_the_same_bits(keras, custom, tmp_path):
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    inner = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, padding="same")], name="inner"
    )
    inputs = keras.Input((8, 8, 3))
    x = shared(keras.layers.Dropout(0.5)(shared(inputs))) * 2
    x = custom["Block"](name="block")(keras.layers.BatchNormalization()(inner(x)))
    pairs, compiled = compiled_and_not(keras.Model(inputs, [x, inner(x)]), tmp_path)
    assert compiled
    for one, other in pairs:
        assert one.maps.keys() == other.maps.keys()
        assert all(np.array_equal(one.maps[index], other.maps[index]) for index in one.maps)
        assert all(map(np.array_equal, one.outputs, other.outputs))
        assert (one.check.output, one.check.failed) == (0, ())


@pytest.mark.usefixtures("_tensorflow")
def test_each_size_is_compiled_on_its_own(keras, tmp_path):
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
    sizes = [(8, 8, 3), (9, 12, 3)] * 6
    pairs, compiled = compiled_and_not(model, tmp_path, sizes)
    assert compiled
    assert [one.maps[1].shape for one, _ in pairs] == [(6, 6, 2), (7, 10, 2)] * 6
    assert all(np.array_equal(one.maps[1], other.maps[1]) for one, other in pairs)


@pytest.mark.usefixtures("_tensorflow")
def test_layers_that_cannot_be_compiled_run_line_by_line(keras, tmp_path):
    @keras.saving.register_keras_serializable("tests", "Decides")
    class Decides(keras.layers.Layer):
        def compute_output_shape(self, shape):
            return shape

        def call(self, x):
            return x if float(keras.ops.mean(x)) > 0.5 else 1 - x

    @keras.saving.register_keras_serializable("tests", "Drawn")
    class Drawn(keras.layers.Layer):
        def call(self, x):
            return x + np.random.default_rng().random()  # in a trace always the same number

    for layer in (Decides, Drawn):
        model = keras.Sequential([keras.Input((8, 8, 3)), layer(name="layer"), keras.layers.Conv2D(2, 3)])
        extractor = Opened(model, tmp_path)
        found = [extractor.extract(picture(8, 8, 3, seed=seed)) for seed in range(8)]
        assert not any(extractor._compiled.values())
        assert not any(each.check.failed for each in found)
        keras.saving.get_custom_objects().pop(f"tests>{layer.__name__}")
