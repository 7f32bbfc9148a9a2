"""Train the default model: cats against dogs, from pictures in folders or a tar archive.

    python models/train.py --train cats_vs_dogs_128_train.tar --output runs/default

The picture size grows with the training (`--stages 64:10,96:12,128:10`): small pictures teach quickly what
large ones refine. Kernels are updated by Muon, all else by AdamW. What is evaluated and saved is a running
average of the weights. Stopped at any time, the same command goes on after the last whole epoch. Works on
every Keras backend (`KERAS_BACKEND`).
"""

import argparse
import csv
import json
import math
from pathlib import Path

import keras
import matplotlib
import numpy as np
from keras import layers
from pictures import Pictures, load_pictures
from PIL import Image

BLOCKS = ((16,), (40, 40), (72, 72), (128, 128), (152, 152))
INPUT_SIZE = 128
FILL = (124, 116, 104)  # the mean colour of photographs, for corners that a rotation uncovers


def build_model(size: int | None, dropout: float = 0.1) -> keras.Model:
    """Return the untrained network for (size, size, 3) pictures in 0…1; `None` takes any size."""
    inputs = keras.Input((size, size, 3), name="picture")
    x = inputs
    for block, widths in enumerate(BLOCKS, 1):
        for number, width in enumerate(widths, 1):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"block{block}_conv{number}")(x)
            x = layers.BatchNormalization(name=f"block{block}_bn{number}")(x)
            x = layers.ReLU(name=f"block{block}_relu{number}")(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
        x = layers.Dropout(dropout, name=f"block{block}_dropout")(x)
    x = layers.GlobalAveragePooling2D(name="global_average")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="dog")(x)
    return keras.Model(inputs, outputs, name="cats_and_dogs")


class Augmented(keras.utils.PyDataset):
    """Shuffled batches of randomly cropped, flipped, rotated and brightened pictures.

    `crop` is the smallest share of a picture's area that a window may show.
    """

    def __init__(self, pictures: Pictures, size: int, batch: int, crop: float, seed: tuple[int, int]):
        super().__init__(workers=2, max_queue_size=16)
        self.pictures, self.size, self.batch, self.crop, self.seed = pictures, size, batch, crop, seed
        self.order = np.random.default_rng(seed).permutation(len(pictures.labels))

    def __len__(self) -> int:
        return len(self.order) // self.batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float32 pictures (batch, size, size, 3) in 0…1 and float32 labels (batch, 1)."""
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        generator = np.random.default_rng((*self.seed, index))
        pixels = np.stack([self.distort(self.pictures.pixels[i], generator) for i in chosen])
        gain = generator.uniform(0.75, 1.25, (len(chosen), 1, 1, 1))
        tint = generator.uniform(0.94, 1.06, (len(chosen), 1, 1, 3))
        x = np.clip(pixels * (gain * tint / 255), 0, 1).astype(np.float32)
        return x, self.pictures.labels[chosen, None].astype(np.float32)

    def distort(self, pixels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Cut a random, slightly rotated window out of one picture and scale it to the wanted size."""
        side = pixels.shape[0]
        width, height = (
            np.sqrt(generator.uniform(self.crop, 1)) * side * np.exp(generator.uniform(-0.1, 0.1, 2))
        )
        angle = math.radians(generator.uniform(-12, 12))
        cos, sin = math.cos(angle) / self.size, math.sin(angle) / self.size
        flip = generator.choice((-1, 1))
        a, b, d, e = flip * width * cos, -height * sin, flip * width * sin, height * cos
        room_x, room_y = max(side - width, 0) / 2, max(side - height, 0) / 2
        centre_x = side / 2 + generator.uniform(-room_x, room_x)
        centre_y = side / 2 + generator.uniform(-room_y, room_y)
        half = self.size / 2
        matrix = (a, b, centre_x - (a + b) * half, d, e, centre_y - (d + e) * half)
        image = Image.fromarray(pixels)
        if width > 1.5 * self.size:  # bilinear sampling alone would alias
            image = image.reduce(2)
            matrix = tuple(value / 2 for value in matrix)
        size = (self.size, self.size)
        resampling = Image.Resampling.BILINEAR
        return np.asarray(image.transform(size, Image.Transform.AFFINE, matrix, resampling, fillcolor=FILL))


class ConvolutionMuon(keras.optimizers.Muon):
    """Muon for the kernels of convolutions, which Keras gives to AdamW; AdamW for all else.

    A step takes the momentum, as a matrix of (rows × columns × channels in) by (channels out), to the nearest
    orthogonal one, so that rare directions are learned as fast as common ones. Sources: K. Jordan and others,
    "Muon: an optimizer for hidden layers in neural networks" (2024), and for the size of a step, with which a
    learning rate means the same to both, J. Liu and others, arXiv:2502.16982 (2025).
    """

    def _should_use_adamw(self, variable) -> bool:
        return len(variable.shape) != 4

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """Return the (nearly) orthogonal kernel, of the shape of `x`."""
        matrix = super().zeropower_via_newtonschulz5(keras.ops.reshape(x, (-1, x.shape[-1])), steps)
        return keras.ops.reshape(matrix, x.shape)

    def lr_adjust(self, x):
        """Scale an update to the size that AdamW's have, a root mean square of `rms_rate`."""
        return x * self.rms_rate * math.sqrt(max(math.prod(x.shape[:-1]), x.shape[-1]))


class OneCycle(keras.callbacks.Callback):
    """Raise the learning rate to `peak` over a fifth of all steps, then lower it to zero along a cosine."""

    def __init__(self, peak: float, step: int, total: int):
        super().__init__()
        self.peak, self.step, self.total = peak, step, total

    def on_train_batch_begin(self, batch, logs=None):
        progress = self.step / self.total
        factor = progress / 0.2 if progress < 0.2 else (1 + math.cos(math.pi * (progress - 0.2) / 0.8)) / 2
        self.model.optimizer.learning_rate = self.peak * max(factor, 1e-3)
        self.step += 1


class WeightAverage(keras.callbacks.Callback):
    """Keep an exponential average of all weights, the statistics of batch normalisation included."""

    every = 8

    def __init__(self, decay: float, weights: list[np.ndarray] | None, updates: int):
        super().__init__()
        self.decay, self.weights, self.updates = decay, weights, updates

    def on_train_batch_end(self, batch, logs=None):
        if batch % self.every:
            return
        current = self.model.get_weights()
        self.updates += 1
        # Early on the average covers only what there is, so that it does not remember the start.
        decay = min(self.decay**self.every, self.updates / (self.updates + 10))
        if self.weights is None:
            self.weights = current
        for average, value in zip(self.weights, current, strict=True):
            average += (1 - decay) * (value - average)


def split(pictures: Pictures, validation: int, seed: int) -> tuple[Pictures, Pictures]:
    """Return (training, validation) parts; the second has `validation` pictures drawn at random."""
    order = np.random.default_rng(seed).permutation(len(pictures.labels))
    return pictures.take(np.sort(order[validation:])), pictures.take(np.sort(order[:validation]))


def measure(model: keras.Model, pixels: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return (accuracy, binary cross-entropy) on uint8 pictures (pictures, size, size, 3)."""
    batches = range(0, len(labels), 125)
    scores = [model.predict_on_batch(pixels[i : i + 125].astype(np.float32) / 255) for i in batches]
    score = np.clip(np.concatenate(scores)[:, 0], 1e-7, 1 - 1e-7)
    loss = -np.mean(np.where(labels == 1, np.log(score), np.log(1 - score)))
    return float(np.mean((score > 0.5) == labels)), float(loss)


def train(options: argparse.Namespace) -> None:
    """Run all stages, then write the model, its labels, the history and its plot to `options.output`."""
    keras.utils.set_random_seed(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    pictures = load_pictures(options.train, INPUT_SIZE)
    if len(pictures.classes) != 2:
        raise ValueError(f"expected two classes, received {len(pictures.classes)}: {pictures.classes}")
    training, validation = split(pictures, options.validation, options.seed)
    sizes = [size for size, epochs in options.stages for _ in range(epochs)]
    steps = len(training.labels) // options.batch
    model = build_model(None, options.dropout)
    if options.start:
        model.set_weights(keras.models.load_model(options.start, compile=False).get_weights())
    decay = options.weight_decay
    optimizer = ConvolutionMuon(options.rate, weight_decay=decay, adam_weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.BinaryCrossentropy(label_smoothing=options.smoothing)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    average = WeightAverage(options.average, None, 0)
    done = restore(options.output, model, average)
    cycle = OneCycle(options.rate, done * steps, len(sizes) * steps)
    judge = build_model(None)
    for epoch in range(done, len(sizes)):
        batches = Augmented(training, sizes[epoch], options.batch, options.crop, (options.seed, epoch))
        print(f"epoch {epoch + 1} of {len(sizes)}, {sizes[epoch]} px", flush=True)
        result = model.fit(batches, callbacks=[cycle, average], shuffle=False, verbose=options.verbose)
        judge.set_weights(average.weights)
        accuracy, held_out = measure(judge, validation.resized(sizes[epoch]), validation.labels)
        print(f"  validation: accuracy {accuracy:.4f}, loss {held_out:.4f}", flush=True)
        row = (epoch + 1, sizes[epoch], result.history["accuracy"][0], result.history["loss"][0])
        append_history(options.output / "history.csv", (*row, accuracy, held_out))
        save(options.output, model, average, epoch + 1)
    final = build_model(INPUT_SIZE)
    final.set_weights(average.weights)
    final.save(options.output / "cats_and_dogs.hdf5", include_optimizer=False)
    (options.output / "cats_and_dogs.labels.txt").write_text("\n".join(pictures.classes) + "\n")
    accuracy, held_out = measure(final, validation.resized(INPUT_SIZE), validation.labels)
    figures = {"validation": len(validation.labels), "accuracy": accuracy, "loss": held_out}
    (options.output / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    plot_history(options.output / "history.csv", options.output / "history.svg")
    print(f"saved {options.output / 'cats_and_dogs.hdf5'}: validation accuracy {accuracy:.4f}")


def save(folder: Path, model: keras.Model, average: WeightAverage, epochs: int) -> None:
    """Write the checkpoint in one rename, so that an interrupted write leaves the one before."""
    optimizer = {f"optimizer{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    weights = {f"weight{i}": value for i, value in enumerate(model.get_weights())}
    averages = {f"average{i}": value for i, value in enumerate(average.weights)}
    counts = {"epochs": epochs, "updates": average.updates}
    np.savez(folder / "checkpoint.new.npz", **optimizer, **weights, **averages, **counts)
    (folder / "checkpoint.new.npz").replace(folder / "checkpoint.npz")


def restore(folder: Path, model: keras.Model, average: WeightAverage) -> int:
    """Load the checkpoint, if there is one, and return how many epochs it has behind it."""
    path = folder / "checkpoint.npz"
    if not path.exists():
        (folder / "history.csv").unlink(missing_ok=True)
        return 0
    stored = np.load(path)
    count = len(model.get_weights())
    model.set_weights([stored[f"weight{i}"] for i in range(count)])
    model.optimizer.build(model.trainable_variables)
    for index, variable in enumerate(model.optimizer.variables):
        variable.assign(stored[f"optimizer{index}"])
    average.weights = [stored[f"average{i}"] for i in range(count)]
    average.updates = int(stored["updates"])
    return int(stored["epochs"])


COLUMNS = ("epoch", "pixels", "accuracy", "loss", "validation_accuracy", "validation_loss")


def append_history(path: Path, row: tuple[float, ...]) -> None:
    """Add one epoch to the CSV file, with a header when it is the first."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([f"{value:.5g}" for value in row])


def plot_history(source: Path, target: Path) -> None:
    """Draw accuracy over epochs, training and held-out, as SVG."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    rows = np.atleast_1d(np.genfromtxt(source, delimiter=",", names=True))
    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(rows["epoch"], rows["accuracy"], label="training (augmented, weights as they are)")
    axes.plot(rows["epoch"], rows["validation_accuracy"], label="validation (averaged weights)")
    for epoch in rows["epoch"][1:][np.diff(rows["pixels"]) > 0]:
        axes.axvline(epoch - 0.5, color="0.7", linewidth=0.8)
    axes.set(xlabel="epoch", ylabel="accuracy")
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(target)


def parse_stages(text: str) -> list[tuple[int, int]]:
    """Read "64:12,96:5" as [(64, 12), (96, 5)]: pictures of 64 px for 12 epochs, then of 96 px for 5."""
    return [tuple(map(int, stage.split(":"))) for stage in text.split(",")]


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="folder or tar: CLASS/*.jpg")
    parser.add_argument("--output", type=Path, default=Path("runs/default"), help="folder for all results")
    parser.add_argument("--stages", type=parse_stages, default="64:10,96:12,128:10", help="SIZE:EPOCHS,…")
    parser.add_argument("--start", type=Path, help="model to go on from, trained with the same --seed")
    parser.add_argument("--crop", type=float, default=0.5, help="smallest share of the area in a window")
    parser.add_argument("--validation", type=int, default=2500, help="pictures held out from training")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=8e-3, help="highest learning rate of the cycle")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--smoothing", type=float, default=0.03, help="label smoothing")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the weight average per step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", type=int, default=1, help="0 silent, 1 progress bar, 2 a line an epoch")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
