"""Receptive fields, proven by changing every pixel of the input and seeing which values move."""

import numpy as np
import pytest

from generator.model.keras.receptive import receptive_fields
from generator.model.keras.recording import recorded


def positive(model) -> None:
    """Give every weight a positive value, so that nothing cancels out."""
    generator = np.random.default_rng(0)
    model.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])


def predict_and_perturb(keras, model, height: int, width: int) -> dict:
    """Return by call (field, bool (rows, columns, height, width): which value moves with which pixel)."""
    positive(model)
    still = np.full((1, height, width, 1), 0.5, np.float32)
    moved = np.repeat(still, height * width, axis=0)
    moved.reshape(height * width, -1)[np.arange(height * width), np.arange(height * width)] = 10
    results = []
    for batch in (still, moved):
        fed = keras.ops.convert_to_tensor(batch)
        with recorded(model) as recording:
            model(fed, training=False)
        results.append((fed, recording.calls))
    (fed, calls), (_, others) = results
    found = {}
    for call, other, field in zip(calls, others, receptive_fields(calls, fed), strict=True):
        values = [keras.ops.convert_to_numpy(each.result) for each in (call, other)]
        if values[0].ndim != 4:
            found[call.name] = (field, None)
            continue
        # rounding differs with the size of a batch
        moves = np.any(~np.isclose(*values, rtol=1e-4), axis=-1).transpose(1, 2, 0)
        found[call.name] = (field, moves.reshape(*moves.shape[:2], height, width))
    return found


def check(found: dict) -> None:
    """No value depends on anything outside its field; where that lies inside the picture, it is all reached.

    At the edges padding takes the place of some of it, in corners of all.
    """
    exact = 0
    for name, (field, moves) in found.items():
        assert field is not None, name
        sides = np.array(moves.shape[2:])
        for place in np.ndindex(moves.shape[:2]):
            first = np.array(field.start) + np.array(place) * field.stride
            last = first + field.size
            if field.whole:
                first, last = np.zeros(2), sides
            seen = np.argwhere(moves[place])
            inside = np.all(first >= 0) and np.all(last <= sides)
            assert inside or len(seen) == 0 or (np.all(seen >= first) and np.all(seen < last)), (name, place)
            if inside:
                assert np.array_equal(seen.min(axis=0), first), (name, place)
                assert np.array_equal(seen.max(axis=0) + 1, last), (name, place)
                exact += 1
    assert exact > 10


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [(13, 11), (12, 14)])
def test_windows_that_slide(keras, padding, strides, size):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((*size, 1)),
            layers.Conv2D(2, (3, 2), strides=strides, padding=padding),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2, strides=1, padding=padding),
            layers.DepthwiseConv2D(2, padding="same", activation="relu"),
            layers.AveragePooling2D((2, 1), padding="same"),
        ]
    )
    check(predict_and_perturb(keras, model, *size))


def test_dilation_separable_kernels_padding_and_cropping(keras):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((15, 12, 1)),
            layers.ZeroPadding2D(((1, 2), (3, 0))),
            layers.Conv2D(1, 3, dilation_rate=2, padding="same", name="dilated"),
            layers.Cropping2D(((2, 1), (0, 1))),
            layers.SeparableConv2D(2, 3, strides=2, name="separable"),
            layers.Dense(2, name="mixed"),
            layers.Dropout(0.5),
            layers.LayerNormalization(name="normalised"),
        ]
    )
    found = predict_and_perturb(keras, model, 15, 12)
    assert found["dilated"][0].size == (5, 5)
    assert found.pop("normalised")[0] == found["mixed"][0]  # what is equal in all channels hardly moves
    check(found)


def test_ways_that_meet(keras):
    layers = keras.layers
    inputs = keras.Input((14, 14, 1))
    left = layers.Conv2D(2, 3, padding="same", name="left")(inputs)
    right = layers.Conv2D(2, 5, padding="same", name="right")(inputs)
    x = layers.Concatenate(name="both")([left, right])
    x = layers.Conv2D(4, 1, name="mix")(x)
    x = layers.Add(name="shortcut")([x, layers.Conv2D(4, 2, padding="same", name="deeper")(x)])
    outputs = keras.ops.relu(x * 2)
    found = predict_and_perturb(keras, keras.Model(inputs, outputs), 14, 14)
    check(found)
    assert found["both"][0].size == (5, 5)
    assert found["shortcut"][0].size == (6, 6)


def test_shared_and_nested_layers(keras):
    layers = keras.layers
    shared = layers.Conv2D(1, 3, padding="same", name="shared")
    block = keras.Sequential([keras.Input((12, 12, 1)), layers.Conv2D(1, 3, strides=2)], name="block")
    inputs = keras.Input((12, 12, 1))
    found = predict_and_perturb(keras, keras.Model(inputs, block(shared(shared(inputs)))), 12, 12)
    check(found)
    assert [field.size for field, _ in found.values()] == [(3, 3), (5, 5), (7, 7)]


def test_what_sees_the_whole_picture(keras):
    layers = keras.layers
    inputs = keras.Input((9, 9, 1))
    x = layers.Conv2D(2, 3, name="conv")(inputs)
    gate = layers.Dense(2, name="gate")(layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x))
    found = predict_and_perturb(keras, keras.Model(inputs, layers.Multiply(name="gated")([x, gate])), 9, 9)
    assert [found[name][0].whole for name in ("conv", "pool", "gate", "gated")] == [False, True, True, True]
    check(found)


@pytest.mark.parametrize("kind", ["UpSampling2D", "Conv2DTranspose", "Resizing", "Permute", "Strided"])
def test_what_is_not_known_to_be_local_is_unknown_and_so_is_what_follows(keras, kind):
    class Strided(keras.layers.Layer):
        def call(self, x):
            return x[:, ::-1]

    layer = {
        "UpSampling2D": lambda: keras.layers.UpSampling2D(),
        "Conv2DTranspose": lambda: keras.layers.Conv2DTranspose(1, 3),
        "Resizing": lambda: keras.layers.Resizing(5, 5),
        "Permute": lambda: keras.layers.Permute((2, 1, 3)),
        "Strided": Strided,
    }[kind]()
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(1, 3, name="before")(inputs)
    x = keras.layers.Conv2D(1, 3, padding="same", name="after")(layer(x))
    found = predict_and_perturb(keras, keras.Model(inputs, x), 8, 8)
    fields = [field for field, _ in found.values()]
    assert fields[0] is not None
    assert fields[1:] == [None] * (len(fields) - 1)


def test_strides_that_are_out_of_step_are_unknown(keras):
    inputs = keras.Input((8, 8, 1))
    one = keras.layers.Conv2D(1, 1, strides=2, name="one")(inputs)
    other = keras.layers.Cropping2D(2, name="other")(inputs)
    found = predict_and_perturb(keras, keras.Model(inputs, keras.layers.Add(name="sum")([one, other])), 8, 8)
    assert found["sum"][0] is None


def test_a_concatenation_along_a_side_is_unknown(keras):
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(1, 1, name="one")(inputs)
    x = keras.layers.Concatenate(axis=1, name="stacked")([x, inputs])
    assert predict_and_perturb(keras, keras.Model(inputs, x), 8, 8)["stacked"][0] is None
