"""Every recorded layer is the layer that it is named after, computed again from that layer's own weights."""

import numpy as np
import pytest
from conftest import save_model, save_picture, small_cnn

from generator import images
from generator.analysis.statistics import measure
from generator.core.errors import ModelError
from generator.model.keras.extractor import KerasExtractor
from generator.model.keras.loading import load_model
from generator.render import palette, scaling


def pad_same(x: np.ndarray, size: int) -> np.ndarray:
    room = size - 1
    return np.pad(x, ((room // 2, room - room // 2), (room // 2, room - room // 2), (0, 0)))


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Valid cross-correlation of (h, w, in) with (kh, kw, in, out)."""
    height, width = x.shape[0] - kernel.shape[0] + 1, x.shape[1] - kernel.shape[1] + 1
    result = np.zeros((height, width, kernel.shape[3]))
    for row in range(kernel.shape[0]):
        for column in range(kernel.shape[1]):
            result += x[row : row + height, column : column + width] @ kernel[row, column]
    return result + bias


def depthwise(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float) -> np.ndarray:
    """Valid depthwise cross-correlation of (h, w, c) with (kh, kw, c, 1)."""
    height, width = x.shape[0] - kernel.shape[0] + 1, x.shape[1] - kernel.shape[1] + 1
    result = np.zeros((height, width, x.shape[2]))
    for row in range(kernel.shape[0]):
        for column in range(kernel.shape[1]):
            result += x[row : row + height, column : column + width] * kernel[row, column, :, 0]
    return result + bias


def pool(x: np.ndarray, size: int, how) -> np.ndarray:
    height, width = x.shape[0] // size, x.shape[1] // size
    blocks = x[: height * size, : width * size].reshape(height, size, width, size, -1)
    return how(blocks, axis=(1, 3))


def transposed(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Transposed convolution with stride 2 of (h, w, in) with (kh, kw, out, in)."""
    size = kernel.shape[0]
    result = np.zeros(((x.shape[0] - 1) * 2 + size, (x.shape[1] - 1) * 2 + size, kernel.shape[2]))
    for row in range(size):
        for column in range(size):
            part = x @ kernel[row, column].T
            result[row : row + 2 * x.shape[0] : 2, column : column + 2 * x.shape[1] : 2] += part
    return result + bias


def expected_maps(model, values: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every layer of the small CNN with numpy, from its weights alone."""
    weights = {
        layer.name: [np.asarray(each, np.float64) for each in layer.get_weights()] for layer in model.layers
    }
    found = {}
    found["first_conv"] = x = convolve(values.astype(np.float64), *weights["first_conv"])
    gamma, beta, mean, variance = weights["norm"]
    found["norm"] = x = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    found["relu"] = found["drop"] = found["nothing"] = x = np.maximum(x, 0)
    found["pool"] = x = pool(x, 2, np.max)
    kernel, bias = weights["looks_like_dense"]
    found["looks_like_dense"] = left = np.maximum(depthwise(pad_same(x, 3), kernel, bias), 0)
    kernel, pointwise, bias = weights["flatten_it"]
    found["flatten_it"] = right = depthwise(pad_same(x, 3), kernel, 0) @ pointwise[0, 0] + bias
    found["join"] = x = np.concatenate([left, right], axis=-1)
    found["up"] = x = x.repeat(2, axis=0).repeat(2, axis=1)
    found["turned"] = x = transposed(x, *weights["turned"])
    found["average"] = x = pool(x, 6, np.mean)
    found["squeeze"] = x.mean(axis=(0, 1), keepdims=True)
    return found


@pytest.fixture(scope="module")
def recorded(small_model, pictures):
    extractor = KerasExtractor(small_model, "digest")
    info = extractor.describe()
    prepared = images.Preparation("0..1").apply(
        images.decode(images.read(pictures / "one.png")), info.input_shape
    )
    return extractor, info, prepared, extractor.extract(prepared.values)


def test_every_layer_equals_an_independent_computation(recorded):
    extractor, info, prepared, activations = recorded
    expected = expected_maps(extractor.model, prepared.values)
    maps = {layer.name: activations.maps[layer.index] for layer in info.layers if layer.is_map}
    assert maps.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(maps[name], values, atol=2e-5, err_msg=name)


def test_every_picture_is_of_the_layer_that_it_names(recorded, gallery):
    """Grid and channels of the built site, decoded, against colours worked out from the weights alone."""
    import matplotlib

    extractor, _, prepared, _ = recorded
    expected = expected_maps(extractor.model, prepared.values)
    image = next(each for each in gallery.manifest["images"] if each["file"] == "one.png")
    checked = 0
    for layer in gallery.manifest["layers"]:
        for channel, path in enumerate(image["layers"].get(layer["slug"], {}).get("channels", {}).values()):
            values = expected[layer["name"]][..., channel]
            if values.max() - values.min() < 1e-4:  # rounding decides how a constant channel looks
                continue
            shade = (values - values.min()) / (values.max() - values.min())
            colours = matplotlib.colormaps["viridis"](shade, bytes=True)[..., :3].astype(int)
            picture = gallery.picture(path)
            factor = picture.shape[0] // values.shape[0]
            assert picture.shape == (values.shape[0] * factor, values.shape[1] * factor, 3)
            assert max(picture.shape) >= 128
            assert np.abs(picture[::factor, ::factor] - colours).max() <= 6, (layer["name"], channel)
            checked += 1
    assert checked > 60


def test_layers_come_in_execution_order_and_names_decide_nothing(recorded):
    _, info, _, _ = recorded
    assert [layer.index for layer in info.layers] == list(range(1, 16))
    families = {layer.name: layer.family for layer in info.layers}
    assert families["looks_like_dense"] == families["flatten_it"] == families["turned"] == "convolution"
    assert families["conv_by_name_only"] == "other"
    assert families["average"] == families["squeeze"] == "pooling"
    shapes = {layer.name: layer.shape for layer in info.layers}
    assert shapes["first_conv"] == (38, 54, 20)
    assert shapes["conv_by_name_only"] == (3,)


def test_identities_are_the_same_array_as_the_layer_that_they_repeat(recorded):
    _, info, _, activations = recorded
    repeats = {layer.name: layer.repeats for layer in info.layers if layer.repeats is not None}
    assert repeats == {"drop": 3, "nothing": 3}
    for name in repeats:
        index = next(layer.index for layer in info.layers if layer.name == name)
        np.testing.assert_array_equal(activations.maps[index], activations.maps[3])


def test_maps_are_read_only_and_outputs_equal_an_unrecorded_call(recorded):
    extractor, _, prepared, activations = recorded
    with pytest.raises(ValueError, match="read-only"):
        activations.maps[1][0, 0, 0] = 0
    plain = np.asarray(extractor.model(prepared.values[None], training=False))[0]
    np.testing.assert_allclose(activations.outputs[0], plain, atol=1e-6)


def test_recording_leaves_the_model_as_it_was(recorded):
    extractor, _, _, _ = recorded
    assert not any("call" in layer.__dict__ for layer in extractor.model.layers)


def test_first_layer_of_a_functional_model_from_sequential_is_not_shifted(keras, tmp_path):
    """The classic mistake: an input layer at index 0 makes every picture that of the next layer."""
    keras.utils.set_random_seed(1)
    layers = [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="a"), keras.layers.ReLU(name="b")]
    path = save_model(
        keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(1)]), tmp_path / "m.h5"
    )
    extractor = KerasExtractor(path, "")
    values = np.random.default_rng(0).random((16, 16, 3), np.float32)
    activations = extractor.extract(values)
    kernel, bias = extractor.model.get_layer("a").get_weights()
    np.testing.assert_allclose(activations.maps[1], convolve(values, kernel, bias), atol=1e-5)
    np.testing.assert_allclose(activations.maps[2], np.maximum(activations.maps[1], 0))


def test_shared_and_nested_layers_show_every_call(keras, tmp_path):
    inner_input = keras.Input((16, 16, 3))
    inner = keras.Model(
        inner_input, keras.layers.Conv2D(3, 3, padding="same", name="conv")(inner_input), name="inner"
    )
    inputs = keras.Input((16, 16, 3))
    shared = keras.layers.Conv2D(3, 1, name="shared")
    outputs = keras.layers.GlobalMaxPooling2D(name="end")(inner(shared(inner(shared(inputs)))))
    path = save_model(keras.Model(inputs, outputs), tmp_path / "nested.keras")
    names = [layer.name for layer in KerasExtractor(path, "").describe().layers]
    assert names == ["shared", "inner/conv", "shared (call 2)", "inner/conv (call 2)", "end"]


@pytest.mark.parametrize(
    ("arguments", "value_range"),
    [
        ({"scale": 1 / 255}, (0, 255)),
        ({"scale": 1 / 127.5, "offset": -1}, (0, 255)),
        ({"scale": 2.0, "offset": -1}, (0, 1)),
    ],
)
def test_a_first_rescaling_tells_the_range_of_pixels(keras, tmp_path, arguments, value_range):
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), keras.layers.Dropout(0.1), keras.layers.Rescaling(**arguments),
         keras.layers.Conv2D(2, 3)]
    )  # fmt: skip
    assert KerasExtractor(save_model(model, tmp_path / "m.keras"), "").describe().value_range == value_range


def preprocessed(keras, scale):
    inputs = keras.Input((16, 16, 3))
    return keras.Model(inputs, keras.layers.Conv2D(2, 3)(scale(inputs)))


@pytest.mark.parametrize(
    ("scale", "value_range"),
    [
        (lambda x: x / 127.5 - 1, (0, 255)),
        (lambda x: x[..., ::-1] - np.array([103.9, 116.8, 123.7], np.float32), (0, 255)),
        (lambda x: (x - 0.5) * 2, (0, 1)),
    ],
)
def test_first_operations_tell_the_range_of_pixels(keras, tmp_path, scale, value_range):
    """As in many tutorials, where the preprocessing of keras.applications becomes part of the model."""
    path = save_model(preprocessed(keras, scale), tmp_path / "m.keras")
    assert KerasExtractor(path, "").describe().value_range == value_range


def test_a_first_batch_normalization_tells_the_range_by_its_mean(keras, tmp_path):
    for mean, value_range in ((120.0, (0, 255)), (0.4, (0, 1))):
        model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.BatchNormalization(name="norm"),
                                  keras.layers.Conv2D(2, 3)])  # fmt: skip
        ones = np.ones(3, np.float32)
        model.get_layer("norm").set_weights([ones, 0 * ones, mean * ones, (mean / 2) ** 2 * ones])
        path = save_model(model, tmp_path / f"m{mean}.keras")
        assert KerasExtractor(path, "").describe().value_range == value_range


def test_a_model_without_rescaling_tells_no_range(recorded):
    assert recorded[1].value_range is None
    assert images.choose_pixels("auto", None) == "0..1"


def test_normalization_tells_the_range_by_its_mean(keras, tmp_path):
    for mean, value_range in ((127.0, (0, 255)), (0.5, (0, 1))):
        first = keras.layers.Normalization(mean=[mean] * 3, variance=[0.2 * mean**2] * 3)
        model = keras.Sequential([keras.Input((16, 16, 3)), first, keras.layers.Conv2D(2, 3)])
        path = save_model(model, tmp_path / f"m{mean}.keras")
        assert KerasExtractor(path, "").describe().value_range == value_range


def test_constant_channels_of_a_real_model_are_neutral(keras, tmp_path):
    model = keras.Sequential([keras.Input((24, 24, 1)), keras.layers.Conv2D(2, 3, name="conv")])
    kernel, _ = model.get_layer("conv").get_weights()
    kernel[..., 1] = 0
    model.get_layer("conv").set_weights([kernel, np.array([0.0, 0.1])])
    extractor = KerasExtractor(save_model(model, tmp_path / "m.keras"), "")
    save_picture(tmp_path / "p.png")
    values = (
        images.Preparation("0..1").apply(images.decode(images.read(tmp_path / "p.png")), (24, 24, 1)).values
    )
    maps = extractor.extract(values).maps[1]
    ranges = scaling.value_ranges(measure(maps), maps[..., 0].size, "channel")
    indices = scaling.quantize(maps, ranges)
    assert (indices[1] == palette.CONSTANT).all()
    assert (indices[0] != palette.CONSTANT).all()


def test_float16_is_cast_before_arithmetic(keras, tmp_path):
    policy = keras.mixed_precision.dtype_policy()
    try:
        keras.mixed_precision.set_dtype_policy("mixed_float16")
        path = save_model(small_cnn(keras), tmp_path / "half.keras")
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    extractor = KerasExtractor(path, "")
    maps = extractor.extract(np.ones((40, 56, 3), np.float32)).maps
    assert {each.dtype for each in maps.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.keras", None, "nothing there"),
        ("notes.txt", b"hello", "a damaged file or one of another kind"),
        ("garbage.h5", b"garbage", "damaged file or one of another kind"),
        ("empty.keras", b"", "an empty file"),
        ("zip.keras", b"PK\x03\x04 not really", "cut short"),
    ],
)
def test_bad_model_files_are_one_clear_line(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path / name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_alone_are_no_model(keras, tmp_path):
    small_cnn(keras).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelError, match="weights only, without the architecture"):
        load_model(tmp_path / "w.weights.h5")


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_code_in_a_model_file_is_not_run(keras, tmp_path, ending):
    marker = tmp_path / "ran"
    code = keras.layers.Lambda(eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]"), (8, 8, 3))
    model = keras.Sequential([keras.Input((8, 8, 3)), code, keras.layers.Conv2D(2, 3)])
    path = save_model(model, tmp_path / f"evil.{ending}")
    marker.unlink(missing_ok=True)
    with pytest.raises(ModelError, match="is not run without --allow-unsafe"):
        load_model(path)
    assert not marker.exists()


def test_a_class_that_is_not_there_is_named(keras, tmp_path):
    class Unheard(keras.layers.Layer):
        def call(self, x):
            return x

    path = save_model(keras.Sequential([keras.Input((8, 8, 3)), Unheard()]), tmp_path / "m.keras")
    with pytest.raises(ModelError, match="needs Unheard, which only its author has"):
        load_model(path)


def test_a_last_layer_that_does_nothing_hides_no_prediction(keras, tmp_path):
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Dropout(0.1)])
    assert (
        KerasExtractor(save_model(model, tmp_path / "m.keras"), "").describe().final_activation == "softmax"
    )


@pytest.mark.parametrize("shape", [(10,), (8, 8, 8, 8, 3)])
def test_models_that_take_no_image_are_one_clear_line(keras, tmp_path, shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ModelError, match="expected a model"):
        KerasExtractor(save_model(model, tmp_path / "m.keras"), "")
