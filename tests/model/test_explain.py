"""What decides: Grad-CAM and zeroed channels against computations by hand, and the page that shows them."""

import csv
import html
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, Gallery, open_picture, save_model, save_picture
from fakes import FakeExtractor, fake_models

from generator import attribution
from generator.analysis.prediction import predict
from generator.build import build, source_folder
from generator.core import limits
from generator.core.facts import Activation, AttributionNotice, ClassScore, Obstacle, ScoreKind
from generator.core.plan import Plan, plan_layers
from generator.core.records import Attribution, Prediction
from generator.core.settings import Settings
from generator.core.wording import say_obstacle, say_score
from generator.model.keras.ablation import without_channels
from generator.model.keras.class_score import class_scores
from generator.model.keras.extractor import KerasExtractor
from generator.model.keras.gradients import first_maps
from generator.render import overlays, palette

PICTURE = np.random.default_rng(0).random((12, 10, 3), np.float32)


def tiny(keras, units=3, activation="softmax", *, separate=False, **convolution):
    """Return a model with two convolutions, the second of 5 channels."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12, 10, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="one", **convolution)(inputs)
    x = layers.Conv2D(5, 3, name="two", **convolution)(x)
    x = layers.Flatten()(layers.ReLU(dtype=convolution.get("dtype"))(x))
    if separate:
        x = layers.Softmax()(layers.Dense(units, name="end")(x))
    else:
        x = layers.Dense(units, activation=activation, name="end")(x)
    return keras.Model(inputs, x)


def explain(model, tmp_path, values=PICTURE, labels=(), **options) -> tuple[Attribution, Prediction]:
    extractor = KerasExtractor(save_model(model, tmp_path / "model.keras"), "", **options)
    known = extractor.describe()
    made = Plan(
        images=(),
        layers=plan_layers(known.layers, (), False),
        singles=(),
        gif_channels_per_layer=1,
        gif_channels=1,
    )
    prediction = predict(extractor.extract(values, {}).outputs, known.final_activation, labels)
    found = attribution.attribute(extractor, values, {}, made.layers, made.attributed, prediction.method)
    return found, prediction


def say(found: Attribution, prediction: Prediction) -> str:
    return say_score(prediction.method, found.kind)


def parts_of(keras, model, name: str):
    """Return a model from the input to a layer, and a function from there to the logits."""
    front = keras.Model(model.input, model.get_layer(name).output)
    after = model.layers[model.layers.index(model.get_layer(name)) + 1 :]

    def rest(x):
        for layer in after:
            x = x @ layer.kernel + layer.bias if layer.name == "end" else layer(x)
            if layer.name == "end":
                return x
        raise AssertionError

    return front, rest


@pytest.mark.parametrize("separate", [False, True], ids=["fused softmax", "softmax layer"])
def test_grad_cam_is_that_of_the_paper(keras, tmp_path, separate):
    import tensorflow as tf

    model = tiny(keras, separate=separate)
    found, prediction = explain(model, tmp_path)
    assert prediction.score == pytest.approx(model(PICTURE[None]).numpy().max(), abs=1e-6)
    # "two" leaves its activation to a layer of its own, whose result is what the maps are weighed in
    for index, name in ((1, "one"), (2, model.layers[3].name)):
        front, rest = parts_of(keras, model, name)
        maps = front(PICTURE[None])
        with tf.GradientTape() as tape:
            tape.watch(maps)
            logit = rest(maps)[0, prediction.number]
        weights = tape.gradient(logit, maps).numpy()[0].mean(axis=(0, 1))
        expected = np.maximum((maps.numpy()[0] * weights).sum(axis=-1), 0)
        assert expected.any()
        np.testing.assert_allclose(found.cams[index], expected, rtol=1e-4, atol=1e-7)
        assert found.score == pytest.approx(float(logit), abs=1e-4)
    assert "goes into the last softmax" in say(found, prediction) and found.notice is None


def logitswithout_channels(keras, model, channel: int | None) -> np.ndarray:
    """Compute the logits in a copy whose second convolution cannot make a channel."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    if channel is not None:
        kernel, bias = copy.get_layer("two").get_weights()
        kernel[..., channel], bias[channel] = 0, 0
        copy.get_layer("two").set_weights([kernel, bias])
    front, rest = parts_of(keras, copy, "two")
    return rest(front(PICTURE[None])).numpy()[0]


def test_zeroed_channels_change_the_score_as_if_their_weights_were_zero(keras, tmp_path):
    model = tiny(keras)
    found, prediction = explain(model, tmp_path)
    whole = logitswithout_channels(keras, model, None)[prediction.number]
    expected = [logitswithout_channels(keras, model, each)[prediction.number] - whole for each in range(5)]
    assert sorted(found.channels.tolist()) == [0, 1, 2, 3, 4]
    assert (found.layer, found.of) == (2, 5)
    np.testing.assert_allclose(found.changes, np.array(expected)[found.channels], rtol=1e-3, atol=1e-5)
    assert np.ptp(found.changes) > 0 and (np.diff(found.changes) >= 0).all()


@pytest.mark.parametrize("bias", [3.0, -3.0])
def test_the_logit_of_one_sigmoid_is_negated_for_class_0(keras, tmp_path, bias):
    model = tiny(keras, 1, "sigmoid")
    model.get_layer("end").bias.assign([bias])
    probability = float(model(PICTURE[None])[0, 0])
    found, prediction = explain(model, tmp_path)
    assert prediction.number == (probability > 0.5) == (bias > 0)
    sign = 1 if bias > 0 else -1
    assert found.score == pytest.approx(sign * np.log(probability / (1 - probability)), abs=1e-3)
    assert found.score > 0 and ("negated" in say(found, prediction)) == (bias < 0)
    changed = [sign * logitswithout_channels(keras, model, each)[0] - found.score for each in found.channels]
    np.testing.assert_allclose(found.changes, changed, rtol=1e-3, atol=1e-4)


def test_a_linear_output_with_labels_is_the_logit(keras, tmp_path):
    model = tiny(keras, activation=None)
    found, prediction = explain(model, tmp_path, labels=("a", "b", "c"))
    assert found.score == pytest.approx(float(model(PICTURE[None])[0, prediction.number]), abs=1e-5)
    assert "model’s output" in say(found, prediction)


def test_where_the_logit_was_not_recorded_the_probability_is_left(keras):
    values = keras.ops.convert_to_tensor([[0.2, 0.8]])
    second = ClassScore(activation=Activation.SOFTMAX, unit=1)
    score, kind = class_scores([], [values], second)
    assert float(score[0]) == pytest.approx(0.8) and kind is ScoreKind.PROBABILITY
    assert say_score(second, kind).startswith("the probability itself")
    against = ClassScore(activation=Activation.SIGMOID, unit=0, opposite=True)
    single = class_scores([], [values[:, :1]], against)
    assert float(single[0][0]) == pytest.approx(0.8)  # class 0 of one unit: what is missing to 1
    assert "negated" not in say_score(against, single[1])


def nested(keras):
    """Return a model with a convolution of 40 channels inside another model, beside a way around it."""
    layers = keras.layers
    keras.utils.set_random_seed(5)
    within = keras.Sequential([keras.Input((12, 10, 3)), layers.Conv2D(40, 3, name="deep")], name="within")
    inputs = keras.Input((12, 10, 3))
    x = layers.GlobalMaxPooling2D(name="top")(within(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="end")(x))


def test_inside_nested_models_the_32_strongest_are_recomputed(keras, tmp_path):
    model = nested(keras)
    found, prediction = explain(model, tmp_path)
    assert len(found.channels) == len(set(found.channels.tolist())) == 32 and found.of == 40
    maps = model.get_layer("within")(PICTURE[None]).numpy()[0]
    top, end = maps.max(axis=(0, 1)), model.get_layer("end")
    weights = end.kernel.numpy()[:, prediction.number]
    strength = np.abs(top * weights)  # the gradient is the weight, at the place of the maximum
    assert set(found.channels.tolist()) == set(np.argsort(-strength)[:32].tolist())
    np.testing.assert_allclose(found.changes, -(top * weights)[found.channels], rtol=1e-3, atol=1e-5)


def residual(keras):
    """Return a model of which 40 channels are added to what goes around them, and then multiplied with it."""
    layers = keras.layers
    keras.utils.set_random_seed(5)
    inputs = keras.Input((12, 10, 3))
    around = layers.Conv2D(40, 1, name="around")(inputs)
    x = layers.Conv2D(40, 3, padding="same", name="within")(layers.ReLU()(around))
    x = layers.Multiply()([layers.Dropout(0.5)(around), layers.Add()([x, around])])
    x = layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
    return keras.Model(inputs, layers.Softmax()(x))


def test_behind_a_residual_connection_every_channel_is_set_to_zero(keras, tmp_path):
    model = residual(keras)
    found, prediction = explain(model, tmp_path)
    assert sorted(found.channels.tolist()) == list(range(40)) and found.of == 40
    layer, logits = model.get_layer("within"), keras.Model(model.input, model.get_layer("end").output)
    kernel, bias = layer.get_weights()

    def logit_without(channels: list[int]) -> float:
        kept = np.isin(np.arange(40), channels, invert=True)
        layer.set_weights([kernel * kept, bias * kept])
        return logits(PICTURE[None]).numpy()[0, prediction.number]

    expected = [logit_without([each]) - logit_without([]) for each in found.channels]
    np.testing.assert_allclose(found.changes, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_fixed_batch_sizes_are_kept(keras, tmp_path, batch):
    layers = keras.layers
    keras.utils.set_random_seed(5)
    inputs = keras.Input(batch_shape=(batch, 12, 10, 3))
    first = layers.Conv2D(4, 3, padding="same", name="two")(inputs)
    merged = layers.Concatenate()([first, inputs])  # a way around: whole passes
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling2D()(merged))
    found, prediction = explain(keras.Model(inputs, outputs), tmp_path)
    model = keras.models.load_model(tmp_path / "model.keras")
    maps = keras.Model(model.input, model.get_layer("two").output)(np.repeat(PICTURE[None], batch, 0))[0]
    top = maps.numpy().max(axis=(0, 1))
    weights = model.layers[-1].kernel.numpy()[:4, prediction.number]
    assert found.notice is None and len(found.channels) == found.of == 4
    np.testing.assert_allclose(found.changes, -(top * weights)[found.channels], rtol=1e-3, atol=1e-5)


def test_every_call_of_a_shared_layer_is_explained_by_itself(keras, tmp_path):
    layers = keras.layers
    keras.utils.set_random_seed(5)
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    inputs = keras.Input((12, 10, 3))
    x = shared(layers.ReLU()(shared(inputs)))
    outputs = layers.Dense(2, activation="softmax", name="end")(layers.GlobalMaxPooling2D()(x))
    found, prediction = explain(keras.Model(inputs, outputs), tmp_path)
    maps = shared(layers.ReLU()(shared(PICTURE[None]))).numpy()[0]
    weights = keras.models.load_model(tmp_path / "model.keras").get_layer("end").kernel.numpy()
    expected = -(maps.max(axis=(0, 1)) * weights[:, prediction.number])[found.channels]
    assert len(found.cams) == 2 and not np.array_equal(*found.cams.values())
    np.testing.assert_allclose(found.changes, expected, rtol=1e-3, atol=1e-5)  # the second call alone


def test_frozen_layers_are_explained_and_cut_off_ones_are_not(keras, tmp_path):
    model = tiny(keras)
    free, _ = explain(model, tmp_path)
    model.trainable = False
    frozen, _ = explain(model, tmp_path)
    np.testing.assert_array_equal(free.cams[1], frozen.cams[1])
    layers = keras.layers
    inputs = keras.Input((12, 10, 3))
    x = keras.ops.stop_gradient(layers.Conv2D(4, 3, name="one")(inputs))
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3, name="two")(x))
    cut, _ = explain(keras.Model(inputs, layers.Dense(2, activation="softmax")(x)), tmp_path)
    assert len(cut.cams) == 1 and cut.layer == max(cut.cams)


def test_half_precision_is_cast(keras, tmp_path):
    full, _ = explain(tiny(keras), tmp_path)
    half, _ = explain(tiny(keras, dtype="mixed_float16"), tmp_path)
    assert half.cams[2].dtype == half.changes.dtype == np.float32
    np.testing.assert_allclose(half.cams[2], full.cams[2], atol=0.02 * full.cams[2].max())


def test_channels_first_is_respected(keras):
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5) + 1
    np.testing.assert_array_equal(first_maps(values, True)[..., 2], values[0, 2])
    zeroed = np.asarray(without_channels(keras.ops.convert_to_tensor(values), [None, 2], True))
    np.testing.assert_array_equal(zeroed[0], values[0])
    assert not zeroed[1, 2].any() and zeroed[1, :2].all()
    zeroed = np.asarray(without_channels(keras.ops.convert_to_tensor(values), [4, None], False))
    assert not zeroed[0, ..., 4].any() and zeroed[0, ..., :4].all() and zeroed[1].all()


def test_bilinear_enlargement_keeps_the_middle_and_the_edges():
    np.testing.assert_allclose(overlays.bilinear(np.array([[0.0, 1.0]]), 1, 4), [[0, 0.25, 0.75, 1]])
    values = np.random.default_rng(0).random((3, 5))
    np.testing.assert_array_equal(overlays.bilinear(values, 3, 5), values)
    assert overlays.bilinear(np.ones((1, 1)), 7, 9).shape == (7, 9)


def test_the_picture_stays_where_the_map_is_zero():
    seen = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    grey = overlays.grey_picture(seen)
    cam = np.zeros((8, 6), np.float32)
    plain = overlays.overlay(grey, cam)
    np.testing.assert_array_equal(plain, np.rint(grey)[..., None].repeat(3, axis=-1))
    cam[2, 3] = 1e-30
    shown = overlays.overlay(grey, cam)
    assert (shown != plain).any(axis=-1).sum() == 1 and (shown[2, 3] != plain[2, 3]).any()
    assert overlays.grey_picture(np.zeros((900, 300, 1), np.uint8)).shape == (225, 75)


def test_one_palette_is_near_all_colours_of_all_frames():
    generator = np.random.default_rng(0)
    grey, cams = generator.random((40, 40)) * 255, generator.random((3, 4, 4)).astype(np.float32)
    frames = np.stack([overlays.overlay(grey, cam) for cam in cams])
    indices, table = palette.common_palette(frames)
    assert indices.max() < palette.LEVELS
    apart = np.abs(table[indices].astype(int) - frames).max(axis=-1)
    assert apart.mean() < 12 and apart.max() < 60


class Explaining(FakeExtractor):
    """Has names that command, and two convolutions."""

    def describe(self):
        known = super().describe()
        conv, drop, act = known.layers
        hostile = replace(conv, name="<img src=x onerror=alert(1)>\n&amp;")
        other = replace(act, kind="Conv2D", family="convolution", name="second")
        return replace(known, layers=(hostile, drop, other))


@pytest.fixture
def explained(monkeypatch):
    """Let every prediction have a known explanation: one map, and three of five channels."""

    def set_explanation(found: Attribution) -> None:
        def explain(_extractor, _values, _others, layers, convolutions, score):
            assert [each.index for each in layers] == [1, 2, 3]
            assert [each.index for each in convolutions] == [1, 3] and score.unit == 1
            return found

        monkeypatch.setattr(attribution, "attribute", explain)

    set_explanation(
        Attribution(
            cams={1: np.eye(12, dtype=np.float32)},
            score=1.5,
            kind=ScoreKind.LOGIT,
            layer=1,
            channels=np.array([2, 0, 1]),
            changes=np.array([-0.5, 0.0, 0.25], np.float32),
            of=5,
        )
    )
    return set_explanation


@pytest.fixture
def project(tmp_path):
    (tmp_path / "fake.h5").write_bytes(b"fake")
    (tmp_path / "in").mkdir()
    save_picture(tmp_path / "in/a.png")
    return Settings(tmp_path / "fake.h5", tmp_path / "in", tmp_path / "out", site=False)


def read(settings: Settings, path: str = "gallery/images/a.md") -> str:
    return (source_folder(settings) / path).read_text(encoding="utf-8")


def test_the_page_shows_maps_channels_and_a_file(project, explained):  # noqa: ARG001
    build(project, models=fake_models(Explaining))
    page = read(project)
    section = page[page.index('id="decides"') : page.index('id="layers"')]
    assert "onerror=alert(1)&gt; &amp;amp;" in section and "<img src=x" not in page
    text = html.unescape(re.sub(r"<[^>]*>", "", section))
    assert "Why class 1? Its score here is 1.5: the logit, which is what goes into the last softmax." in text
    assert "peak 1" in text and "no gradient flows from here to the score" in text
    assert "arXiv:1610.02391" in text
    assert re.search(r"channel 2\s*−0\.5", text) and re.search(r"channel 1\s*\+0\.25", text)
    assert "only the 3 of 5 channels" in text
    folder = source_folder(project) / "gallery/images"
    links = [each for each in re.findall(r'(?:href|src)="([^"]+)"', section) if "://" not in each]
    assert any(each.endswith(".html#c2") for each in links)
    for link in links:
        path, _, anchor = link.partition("#")
        target = folder / path.replace(".html", ".md")
        assert target.is_file(), link
        assert not anchor or f'id="{anchor}"' in target.read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(read(project, "gallery/images/a/decides.csv"))))
    assert rows == [["channel", "change_of_score"], ["2", "-0.5"], ["0", "0"], ["1", "0.25"]]
    with open_picture(folder / "a/decides.gif") as gif:
        assert gif.n_frames == 1


def test_zero_and_broken_maps_are_told_in_words(project, explained):
    cams = {1: np.zeros((4, 4), np.float32), 3: np.full((4, 4), np.nan, np.float32)}
    explained(Attribution(cams=cams, score=0.0, kind=ScoreKind.LOGIT))
    build(project, models=fake_models(Explaining))
    page = read(project)
    assert "zero everywhere: no place here speaks for class 1" in page
    assert "not drawn: NaN or infinite" in page
    assert not (source_folder(project) / "gallery/images/a/decides.csv").exists()


def test_a_notice_takes_the_place_of_what_is_missing(project, explained):
    detail = "<Odd>Error"
    explained(Attribution(notice=AttributionNotice(obstacle=Obstacle.GRADIENT_FAILED, detail=detail)))
    build(project, models=fake_models(Explaining))
    page = read(project)
    assert "could not be computed: &lt;Odd&gt;Error." in page and 'id="places"' not in page
    manifest = json.loads(read(project, "gallery/manifest.json"))
    assert manifest["images"][0]["explanation"]["notice"].endswith(f"could not be computed: {detail}")


def test_it_can_be_turned_off_and_is_absent_where_nothing_is_classified(project):
    class Never(Explaining):
        def lacks_gradients(self):
            raise AssertionError

    build(replace(project, explain=False), models=fake_models(Never))
    assert "decides" not in read(project)

    class Other(Never):
        def describe(self):
            return replace(super().describe(), final_activation="tanh")

    build(replace(project, force=True), models=fake_models(Other))
    assert "decides" not in read(project)


def test_the_small_gallery_explains_every_image(gallery: Gallery):
    for image in gallery.manifest["images"]:
        folder = gallery.site / "gallery/images" / image["slug"]
        page = folder.with_suffix(".html").read_text(encoding="utf-8")
        assert "What decides" in page and "goes into the last softmax" in page
        assert (folder / "decides.gif").stat().st_size < limits.README_GIF_BYTES
        assert (gallery.site / "css/decides.css").is_file() and "css/decides.css" in page
        assert (folder / "decides.csv").read_text(encoding="utf-8").count("\n") > 1


@pytest.mark.browser
@pytest.mark.parametrize("visit", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_on_a_phone_nothing_sticks_out(gallery, visit):
    page = visit(gallery, f"gallery/images/{gallery.manifest['images'][0]['slug']}")
    assert page.locator("#decides").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from generator.attribution import attribute
from generator.core.facts import Activation, ClassScore
from generator.model.keras.extractor import KerasExtractor
values = np.random.default_rng(0).random((12, 10, 3), np.float32)
extractor = KerasExtractor(Path(sys.argv[1]), "")
layers = extractor.describe().layers
score = ClassScore(activation=Activation.SOFTMAX, unit=1)
found = attribute(extractor, values, {}, layers, layers[:2], score)
assert found.notice is None, found.notice
np.savez(sys.argv[2], one=found.cams[1], two=found.cams[2], channels=found.channels, changes=found.changes)
"""


def explain_second(extractor: KerasExtractor) -> Attribution:
    """Explain the second class, whatever is predicted."""
    layers, score = extractor.describe().layers, ClassScore(activation=Activation.SOFTMAX, unit=1)
    return attribution.attribute(extractor, PICTURE, {}, layers, layers[:2], score)


def test_torch_explains_the_same(keras, tmp_path):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("optional: torch is not installed")
    path = save_model(tiny(keras), tmp_path / "model.keras")
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, tmp_path / "found.npz"],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    here = explain_second(KerasExtractor(path, ""))
    with np.load(tmp_path / "found.npz") as there:
        np.testing.assert_allclose(there["one"], here.cams[1], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(there["two"], here.cams[2], rtol=1e-3, atol=1e-6)
        order, mine = np.argsort(there["channels"]), np.argsort(here.channels)
        np.testing.assert_allclose(there["changes"][order], here.changes[mine], rtol=1e-3, atol=1e-5)


def test_a_backend_without_such_gradients_is_told(keras, tmp_path, monkeypatch):
    extractor = KerasExtractor(save_model(tiny(keras), tmp_path / "model.keras"), "")
    layers = extractor.describe().layers
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    score = ClassScore(activation=Activation.SOFTMAX, unit=1)
    found = attribution.attribute(extractor, PICTURE, {}, layers, layers[:2], score)
    assert say_obstacle(found.notice).endswith("Keras runs on jax") and not found.cams


def test_an_activation_that_only_the_second_input_of_a_sum_takes_ends_the_search(keras, tmp_path):
    layers = keras.layers
    keras.utils.set_random_seed(5)
    inputs = keras.Input((12, 10, 3))
    first = layers.Conv2D(4, 3, name="first")(inputs)
    same = layers.Activation("linear")(layers.Conv2D(4, 3, name="second")(inputs))  # hands its input on
    x = layers.GlobalAveragePooling2D()(layers.Add()([first, same]))
    found, _ = explain(keras.Model(inputs, layers.Dense(2, activation="softmax")(x)), tmp_path)
    assert found.notice is None and len(found.cams) == 2
