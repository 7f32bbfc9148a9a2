"""The scripts beside the default model: reading pictures, training, measuring; and the committed model."""

import importlib
import json
import logging
import math
import re
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

MODELS = ROOT / "models"
DEFAULT_MODEL = MODELS / "cats_and_dogs.hdf5"


@pytest.fixture
def scripts(monkeypatch):
    """Import the scripts of models/, which is no package: they find each other as siblings."""
    monkeypatch.syspath_prepend(MODELS)
    names = ("pictures", "evaluate", "train")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def save_shades(folder: Path, shades: dict[str, tuple[int, ...]], size: int = 20) -> Path:
    """Write CLASS/SHADE.png, each of one grey from 0 to 255: losslessly, so that scores are known exactly."""
    for name, values in shades.items():
        (folder / name).mkdir(parents=True)
        for value in values:
            Image.new("RGB", (size, size), (value,) * 3).save(folder / name / f"{value:03}.png")
    return folder


def save_classifier(keras, path: Path, labels: str, kernel: list, bias: list, activation: str) -> Path:
    """Save a CNN whose outputs are activation(kernel · mean brightness + bias), with its labels."""
    layers, constant = keras.layers, keras.initializers.Constant
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(2, 1, kernel_initializer=constant(1 / 6))(inputs)
    x = layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(len(bias), activation=activation)
    model = keras.Model(inputs, outputs(x))
    outputs.set_weights([np.array([kernel], np.float32), np.array(bias, np.float32)])
    model.save(path)
    path.with_suffix(".labels.txt").write_text("\n".join(labels.split()) + "\n", encoding="utf-8")
    return path


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def run_python(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-B", *map(str, arguments)]
    return subprocess.run(command, cwd=MODELS, capture_output=True, text=True, timeout=300, check=False)


class TestFigures:
    # With n trials and z = 1.959964, z² = 3.841459: all right gives n/(n+z²) to 1, none gives 0 to
    # z²/(n+z²), half gives ½ ± z/(2√(n+z²)), and 97 of 100 gives (0.97 + 0.019207)/1.038415 = 0.952613
    # ± 1.959964 · √(0.97 · 0.03/100 + 3.841459/40000)/1.038415 = 0.037132.
    @pytest.mark.parametrize(
        ("right", "trials", "low", "high"),
        [
            (97, 100, 0.915481, 0.989745),
            (10, 10, 0.722467, 1),
            (0, 10, 0, 0.277533),
            (50, 100, 0.403832, 0.596168),
        ],
    )
    def test_the_wilson_interval_has_the_values_worked_out_by_hand(self, scripts, right, trials, low, high):
        assert scripts.evaluate.wilson_interval(right, trials) == pytest.approx((low, high), abs=1e-6)

    def test_the_wilson_interval_stays_within_0_and_1(self, scripts):
        ends = [scripts.evaluate.wilson_interval(right, n) for n in range(1, 60) for right in (0, n)]
        assert min(ends)[0] == 0
        assert max(high for _, high in ends) <= 1

    def test_the_confusion_matrix_has_truth_in_rows(self, scripts):
        truth, said = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
        expected = [[1, 2, 0], [0, 1, 0], [1, 0, 1]]
        assert scripts.evaluate.confusion_matrix(truth, said, 3).tolist() == expected

    def test_the_confusion_matrix_has_room_for_classes_without_pictures(self, scripts):
        found = scripts.evaluate.confusion_matrix(np.array([1]), np.array([1]), 3)
        assert found.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]

    def test_the_cross_entropy_is_the_mean_of_negative_logarithms(self, scripts):
        probabilities = np.array([[0.5, 0.5], [0.25, 0.75]])
        found = scripts.evaluate.cross_entropy(probabilities, np.array([0, 1]))
        assert found == pytest.approx(math.log(8 / 3) / 2)  # (ln 2 + ln 4/3) / 2

    def test_the_cross_entropy_of_a_certain_mistake_is_finite(self, scripts):
        found = scripts.evaluate.cross_entropy(np.array([[1.0, 0.0]]), np.array([1]))
        assert found == pytest.approx(7 * math.log(10))


class TestPictures:
    def test_a_folder_and_a_tar_of_it_are_the_same(self, scripts, tmp_path):
        folder = save_shades(tmp_path / "set", {"dog": (10, 250), "cat": (30,)})
        (folder / "notes.txt").write_text("no picture")
        with tarfile.open(tmp_path / "set.tar", "w") as archive:
            archive.add(folder, ".")
        loaded = scripts.pictures.load_pictures(folder, 8)
        packed = scripts.pictures.load_pictures(tmp_path / "set.tar", 8)
        assert loaded.names == ("cat/030.png", "dog/010.png", "dog/250.png")
        assert [Path(name).as_posix() for name in packed.names] == list(loaded.names)
        assert loaded.classes == packed.classes == ("cat", "dog")
        assert loaded.labels.tolist() == packed.labels.tolist() == [0, 1, 1]
        assert loaded.pixels.dtype == np.uint8
        assert loaded.pixels.shape == (3, 8, 8, 3)
        assert loaded.pixels[:, 0, 0, 0].tolist() == [30, 10, 250]
        assert np.array_equal(loaded.pixels, packed.pixels)

    def test_a_picture_that_is_not_square_is_squashed_whole(self, scripts, tmp_path):
        (tmp_path / "cat").mkdir()
        halves = np.zeros((10, 40, 3), np.uint8)
        halves[:, 20:] = 255
        Image.fromarray(halves).save(tmp_path / "cat" / "wide.png")
        pixels = scripts.pictures.load_pictures(tmp_path, 10).pixels[0, :, :, 0]
        assert pixels[:, :4].max() == 0
        assert pixels[:, 6:].min() == 255

    def test_resized_changes_the_size_only_where_it_differs(self, scripts, tmp_path):
        loaded = scripts.pictures.load_pictures(save_shades(tmp_path / "set", {"cat": (7, 9)}), 8)
        assert loaded.resized(8) is loaded.pixels
        assert loaded.resized(4).shape == (2, 4, 4, 3)
        assert loaded.resized(4)[:, 0, 0, 0].tolist() == [7, 9]


@pytest.fixture(scope="module")
def shades(tmp_path_factory) -> Path:
    """Make bright and dark pictures; one of each is as bright as the other class."""
    return save_shades(tmp_path_factory.mktemp("shades") / "set", {"bright": (51, 204), "dark": (0, 51, 179)})


@pytest.fixture(scope="module")
def classifier(keras, tmp_path_factory) -> Path:
    """Save a sigmoid unit that is the probability of "dark": ½ at mid-grey."""
    path = tmp_path_factory.mktemp("classifier") / "shades.hdf5"
    return save_classifier(keras, path, "bright dark", [-10], [5], "sigmoid")


class TestEvaluate:
    def test_a_sigmoid_unit_is_measured(self, scripts, shades, classifier, tmp_path, capsys):
        arguments = [shades, "--model", classifier, "--json", tmp_path / "figures.json"]
        assert scripts.evaluate.main(list(map(str, arguments))) == 0
        figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
        # A grey g scores sigmoid(5 - 10 g/255) as dark; 51 is 0.2 and 204 is 0.8 of white.
        right = [1 - sigmoid(3), 1 - sigmoid(-3), sigmoid(5), sigmoid(3), sigmoid(5 - 1790 / 255)]
        assert (figures["pictures"], figures["correct"], figures["accuracy"]) == (5, 3, 0.6)
        assert figures["interval"] == pytest.approx(scripts.evaluate.wilson_interval(3, 5))
        assert figures["loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
        assert figures["confusion"] == [[1, 1], [1, 2]]
        assert [mistake["name"] for mistake in figures["mistakes"]] == ["bright/051.png", "dark/179.png"]
        assert [mistake["said"] for mistake in figures["mistakes"]] == ["dark", "bright"]
        assert figures["mistakes"][0]["score"] == pytest.approx(sigmoid(3), rel=1e-5)
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.splitlines() == [
            f"model: {classifier}",
            f"pictures: 5 in {shades}",
            "accuracy: 60.00% (3 right, 2 wrong)",
            "95 % Wilson interval: 23.07% to 88.24%",
            f"mean binary cross-entropy: {figures['loss']:.4f}",
            "confusion matrix:",
            "             said bright  said dark",
            "  is bright            1          1",
            "  is dark              1          2",
            "worst mistakes, 2 of 2:",
            "  bright/051.png  is bright    said dark 0.9526",
            "  dark/179.png      is dark  said bright 0.8828",
        ]

    def test_a_softmax_is_measured_with_labels_in_the_order_of_its_outputs(
        self, keras, scripts, tmp_path, capsys
    ):
        shades = save_shades(tmp_path / "set", {"bright": (255,), "dark": (0, 115), "middle": (127,)})
        # Linear in brightness, so "middle" is between: the borders lie at a quarter and three quarters.
        model = tmp_path / "three.hdf5"
        save_classifier(keras, model, "dark middle bright", [0, 20, 40], [0, -5, -20], "softmax")
        figures = scripts.evaluate.evaluate(model, model.with_suffix(".labels.txt"), shades, 10)
        assert figures["classes"] == ("dark", "middle", "bright")
        assert figures["confusion"] == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
        assert figures["loss_name"] == "categorical cross-entropy"
        logits = [np.array([0, 20, 40]) * v / 255 - np.array([0, 5, 20]) for v in (255, 0, 115, 127)]
        right = [np.exp(x[i]) / np.exp(x).sum() for x, i in zip(logits, (2, 0, 0, 1), strict=True)]
        assert figures["loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)
        assert scripts.evaluate.main([str(shades), "--model", str(model), "--worst", "0"]) == 0
        assert "worst" not in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"pictures": "nowhere"}, "no such file or folder: change PICTURES"),
            ({"model": "nowhere.hdf5", "labels": "shades.labels.txt"}, "change --model"),
            ({"labels": "nowhere.txt"}, "change --labels"),
            ({"json": "nowhere/figures.json"}, "change --json"),
            ({"pictures": "empty"}, "found none in"),
            ({"pictures": "text.txt"}, "a folder or a tar archive"),
            ({"pictures": "broken"}, "cannot identify image file"),
            ({"pictures": "set/dark"}, "expected folders named bright, dark, received no folder"),
            ({"pictures": "others"}, "expected folders named bright, dark, received cat, dark"),
            ({"model": "text.txt", "labels": "shades.labels.txt"}, "expected a Keras model"),
            ({"labels": "text.txt"}, "expected 2 class names, received 1"),
            ({"model": "linear.hdf5"}, "expected probabilities"),
            ({"model": "sigmoids.hdf5"}, "expected probabilities"),
        ],
    )
    def test_errors_are_one_line_and_status_2(
        self, keras, scripts, shades, classifier, tmp_path, capsys, change, said
    ):
        (tmp_path / "set").symlink_to(shades)
        (tmp_path / "empty").mkdir()
        (tmp_path / "text.txt").write_text("no archive, no model, one label\n")
        (tmp_path / "broken/dark").mkdir(parents=True)
        (tmp_path / "broken/dark/0.jpg").write_text("no picture")
        save_shades(tmp_path / "others", {"cat": (1,), "dark": (2,)})
        for path in (classifier, classifier.with_suffix(".labels.txt")):
            (tmp_path / path.name).symlink_to(path)
        save_classifier(keras, tmp_path / "linear.hdf5", "bright dark", [-10], [5], "linear")
        save_classifier(keras, tmp_path / "sigmoids.hdf5", "bright dark", [-10, 9], [5, 5], "sigmoid")
        options = {"model": "shades.hdf5"} | change
        arguments = [tmp_path / options.pop("pictures", "set")]
        for flag, name in options.items():
            arguments += [f"--{flag}", tmp_path / name]
        assert scripts.evaluate.main(list(map(str, arguments))) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert said in captured.err
        assert re.search(r"received.*: \w+|identify.*: \w+|found none.*: \w+", captured.err)

    def test_the_command_prints_figures_and_nothing_else(self, shades, classifier):
        done = run_python("evaluate.py", shades, "--model", classifier)
        assert (done.returncode, done.stderr) == (0, "")
        assert "accuracy: 60.00%" in done.stdout

    def test_the_command_ends_with_status_2_after_an_error(self, tmp_path):
        done = run_python("evaluate.py", tmp_path / "nowhere")
        assert (done.returncode, done.stdout) == (2, "")
        expected = f"expected {tmp_path / 'nowhere'}, received no such file or folder: change PICTURES\n"
        assert done.stderr == expected


def make_set(scripts, count: int = 10, size: int = 32):
    """Return white and black pictures in turn: the label can be told however they are distorted."""
    labels = np.arange(count) % 2
    pixels = np.broadcast_to(labels[:, None, None, None] * 255, (count, size, size, 3)).astype(np.uint8)
    names = tuple(f"{label}/{index}.png" for index, label in enumerate(labels))
    return scripts.pictures.Pictures(names, ("black", "white"), pixels, labels)


@pytest.mark.usefixtures("keras")
class TestTrain:
    def test_split_gives_every_picture_to_one_part(self, scripts):
        whole = make_set(scripts)
        training, validation = scripts.train.split(whole, 3, seed=1)
        assert (len(training.names), len(validation.names)) == (7, 3)
        assert sorted(training.names + validation.names) == sorted(whole.names)
        for part in (training, validation):
            assert [int(name[0]) for name in part.names] == part.labels.tolist()
            assert (part.pixels[:, 0, 0, 0] // 255).tolist() == part.labels.tolist()

    def test_split_depends_on_the_seed_alone(self, scripts):
        whole = make_set(scripts, 40)
        first, again, other = (scripts.train.split(whole, 20, seed)[1].names for seed in (1, 1, 2))
        assert first == again != other

    def test_stages_are_read(self, scripts):
        assert scripts.train.parse_stages("64:12,96:5") == [(64, 12), (96, 5)]

    def test_augmented_batches_have_the_shape_and_range_that_the_model_expects(self, scripts):
        batches = scripts.train.Augmented(make_set(scripts), 24, 4, 0.55, (1, 0))
        assert len(batches) == 2
        for x, y in (batches[0], batches[1]):
            assert (x.shape, x.dtype) == ((4, 24, 24, 3), np.float32)
            assert (y.shape, y.dtype) == ((4, 1), np.float32)
            assert x.min() >= 0
            assert x.max() <= 1
            assert np.array_equal(x.mean(axis=(1, 2, 3)) > 0.5, y[:, 0] == 1)

    def test_augmented_batches_repeat_for_the_same_seed_and_differ_in_the_next_epoch(self, scripts):
        whole = make_set(scripts)
        first, again, later = (scripts.train.Augmented(whole, 24, 4, 0.55, (1, epoch)) for epoch in (0, 0, 1))
        assert np.array_equal(first[1][0], again[1][0])
        assert np.array_equal(first[1][1], again[1][1])
        assert not np.array_equal(first[1][0], later[1][0])
        assert sorted(first.order) == sorted(later.order) == list(range(10))
        assert first.order.tolist() != later.order.tolist()

    def test_a_large_picture_is_scaled_down_without_losing_its_content(self, scripts):
        x, y = scripts.train.Augmented(make_set(scripts, size=128), 32, 4, 0.55, (1, 0))[0]
        assert x.shape == (4, 32, 32, 3)
        assert np.array_equal(x[:, 16, 16].mean(axis=1) > 0.5, y[:, 0] == 1)

    def test_a_training_writes_its_results_and_goes_on_where_it_stopped(self, keras, tmp_path):
        shades = {"bright": tuple(range(200, 220)), "dark": tuple(range(20, 40))}
        pictures, output = save_shades(tmp_path / "set", shades, size=32), tmp_path / "run"
        # The real network takes most of a minute to trace and needs at least 32 px for its five poolings.
        smaller = "import train; train.BLOCKS = ((8,), (8, 8)); train.main()"
        command = ("-c", smaller, "--train", pictures, "--output", output, "--batch", 8, "--validation", 8)
        first = run_python(*command, "--verbose", 0, "--stages", "16:2")
        assert first.returncode == 0, first.stderr
        history = (output / "history.csv").read_text()
        assert [line.split(",")[:2] for line in history.splitlines()[1:]] == [["1", "16"], ["2", "16"]]
        assert {path.name for path in output.iterdir()} == {
            "cats_and_dogs.hdf5",
            "cats_and_dogs.labels.txt",
            "checkpoint.npz",
            "figures.json",
            "history.csv",
            "history.svg",
        }
        assert (output / "cats_and_dogs.labels.txt").read_text() == "bright\ndark\n"
        assert json.loads((output / "figures.json").read_text())["validation"] == 8
        model = keras.models.load_model(output / "cats_and_dogs.hdf5", compile=False)
        assert model.input_shape == (None, 128, 128, 3)

        second = run_python(*command, "--verbose", 0, "--stages", "16:3")
        assert second.returncode == 0, second.stderr
        assert re.findall(r"epoch \d of \d", second.stdout) == ["epoch 3 of 3"]
        longer = (output / "history.csv").read_text()
        assert longer.startswith(history)
        assert len(longer.splitlines()) == len(history.splitlines()) + 1
        assert int(np.load(output / "checkpoint.npz")["epochs"]) == 3

        start = ("--start", output / "cats_and_dogs.hdf5", "--stages", "16:1", "--rate", 0)
        command = (
            "-c",
            smaller,
            "--train",
            pictures,
            "--output",
            tmp_path / "on",
            "--batch",
            8,
            "--validation",
            8,
        )
        third = run_python(*command, "--verbose", 0, *start)  # without learning, the kernels stay as they are
        assert third.returncode == 0, third.stderr
        kernels = [
            keras.models.load_model(folder / "cats_and_dogs.hdf5", compile=False)
            .get_layer("block2_conv1").get_weights()[0]
            for folder in (output, tmp_path / "on")
        ]  # fmt: skip
        np.testing.assert_allclose(*kernels, atol=1e-6)


@pytest.fixture(scope="module")
def default_model(keras):
    """Load the model that the project comes with."""
    return keras.models.load_model(DEFAULT_MODEL, compile=False)


class TestDefaultModel:
    def test_it_is_small_enough_for_a_repository(self):
        assert DEFAULT_MODEL.stat().st_size < 8_000_000

    def test_it_loads_without_a_warning(self, keras, caplog):
        with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
            warnings.simplefilter("error")
            keras.models.load_model(DEFAULT_MODEL, compile=False)
        assert caplog.records == []

    def test_it_takes_square_pictures_and_gives_one_probability(self, default_model):
        assert default_model.input_shape == (None, 128, 128, 3)
        assert default_model.output_shape == (None, 1)
        assert default_model.layers[-1].activation.__name__ == "sigmoid"
        labels = DEFAULT_MODEL.with_suffix(".labels.txt").read_text(encoding="utf-8")
        assert labels.split() == ["cat", "dog"]

    def test_it_is_what_the_training_script_builds(self, scripts, default_model):
        built = scripts.train.build_model(scripts.train.INPUT_SIZE)
        assert built.count_params() == default_model.count_params() == 709_961
        assert [layer.name for layer in built.layers] == [layer.name for layer in default_model.layers]
        shapes = [[weight.shape for weight in model.get_weights()] for model in (built, default_model)]
        assert shapes[0] == shapes[1]

    def test_its_layers_have_names_to_read_in_a_gallery(self, default_model):
        names = [layer.name for layer in default_model.layers]
        pattern = re.compile(r"block\d_(conv\d|bn\d|relu\d|pool|dropout)")
        assert names[1:5] == ["block1_conv1", "block1_bn1", "block1_relu1", "block1_pool"]
        assert [name for name in names if not pattern.fullmatch(name)] == ["picture", "global_average", "dog"]

    def test_its_channels_are_few_enough_to_draw(self, keras, default_model):
        convolutions = [layer for layer in default_model.layers if isinstance(layer, keras.layers.Conv2D)]
        assert sum(layer.filters for layer in convolutions) <= 800

    def test_no_kernel_of_its_first_layer_is_dead(self, default_model):
        kernels = np.asarray(default_model.get_layer("block1_conv1").kernel)
        strongest = np.abs(kernels).max(axis=(0, 1, 2))
        assert strongest.shape == (16,)
        assert strongest.min() > 1e-3 * strongest.max()


def test_the_default_model_is_right_about_all_test_images():
    """What the front page of the default gallery shows."""
    from generator import images
    from generator.analysis.prediction import predict
    from generator.model.keras.extractor import KerasExtractor

    extractor = KerasExtractor(ROOT / "models/cats_and_dogs.hdf5", "")
    for name, label in (("cat", "cat"), ("dog", "dog"), ("two_cats", "cat"), ("two_dogs", "dog")):
        picture = images.decode(images.read(ROOT / f"test_images/{name}.png"))
        values = images.Preparation("0..1").apply(picture, extractor.feed.shape).values
        prediction = predict(extractor.extract(values).outputs, "sigmoid", ("cat", "dog"))
        assert prediction.label == label and prediction.score >= 0.9, name
