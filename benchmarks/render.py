"""How near drawing comes to its limit, and how far it is from the usual ways: `python benchmarks/render.py`.

One run, in turn, medians of five, on the default model and images with a picture of every channel of every
layer. From the loaded model and the files of the images to the last picture on disk, pages not included:

- the floor, on one thread: compiled forward passes, zlib level 1 over the bytes of all 8-bit pictures and of
  the explorer's 8-bit maps, which must be written, and Pillow's GIF encoding of the same frames; and a bare
  floor, in which Pillow does nothing with the frames but compress them;
- activation-gallery, in bare form (no Grad-CAM);
- the matplotlib way: one figure a layer, `imsave` for each channel, GIFs from the figures;
- the OpenCV way: `applyColorMap`, `resize` and `imwrite` for each channel, GIFs of RGB frames with imageio.

Each way writes into a fresh folder, after what was written before has reached the disk, and nothing is
removed before the end: Linux's ext4 avoids for a while the places of files that are gone, and looking for
others can take longer than to draw. `TMPDIR=/dev/shm` keeps the disk out of all figures.
OpenCV is no locked package (`pip install opencv-python-headless`); without it its way is left out. All of
it takes 8 minutes.
"""

import base64
import functools
import json
import os
import resource
import statistics
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

import imageio.v3 as imageio
import numpy as np
from PIL import Image, ImageSequence

from generator import build as story
from generator import images
from generator.build import build, open_model
from generator.core.settings import Settings
from generator.model.extractor import Models
from generator.model.keras.extractor import KerasExtractor
from generator.render import browser_data, gif, layer_pictures, palette, photos, png, scaling, tiling
from generator.storage.sources import SourceFolder

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
COLUMNS = 16  # of a grid, in the usual ways
STAGES = {
    "forward": [(KerasExtractor, "extract")],
    "statistics": [(layer_pictures, "measure"), (layer_pictures, "layer_numbers")],
    "scaling": [
        *[(scaling, name) for name in ("quantize", "average_down", "enlarge")],
        *[(tiling, name) for name in ("tile", "centre")],
    ],
    "PNG": [(png, "encode_stack")],
    "explorer": [(browser_data, "maps_script")],
    "GIF": [(gif, "encode")],
    "files": [(SourceFolder, "write_all")],
}


class Subject:
    """The default model, opened once, and its images."""

    def __init__(self):
        self.settings = Settings(
            ROOT / "models/cats_and_dogs.hdf5",
            ROOT / "test_images",
            Path("site"),
            channels=("all",),
            site=False,
            explain=False,
        )
        self.extractor = open_model(self.settings, images.digest(self.settings.model))
        self.model = self.extractor.describe()
        preparation = images.Preparation("0..1", (), self.settings.longest_side)
        self.inputs = [
            preparation.apply(images.decode(images.read(path)), self.model.input_shape).values
            for path in images.find_images(self.settings.images)
        ]
        self.layers = [layer for layer in self.model.layers if layer.is_map and layer.repeats is None]

    def activations(self) -> list[dict[str, np.ndarray]]:
        """Return every image's maps, float32 (height, width, channels), by the layer's name."""
        found = [self.extractor.extract(values).maps for values in self.inputs]
        return [{layer.name: maps[layer.index] for layer in self.layers} for maps in found]


def draw_ours(subject: Subject, folder: Path) -> float:
    """Build without a website; return the seconds of the stage that draws."""
    report = build(
        replace(subject.settings, output=folder / "site"), models=Models(open=lambda _: subject.extractor)
    )
    return report.seconds["pictures"]


def stages_of_ours(subject: Subject, folder: Path) -> dict[str, float]:
    """Draw once more with a clock in every stage; return the processor seconds of all threads in each."""
    seconds: dict[str, float] = dict.fromkeys(["all", *STAGES], 0.0)
    lock = threading.Lock()

    def clocked(stage: str, function: Callable, clock: Callable[[], float]) -> Callable:
        @functools.wraps(function)
        def call(*args, **kwargs):
            begin = clock()
            result = function(*args, **kwargs)
            if isinstance(result, Iterator):
                result = iter(list(result))
            with lock:
                seconds[stage] += clock() - begin
            return result

        return call

    with ExitStack() as stack:
        for stage, places in {"all": [(story, "process_images")], **STAGES}.items():
            # Nothing else runs beside the forward pass, which has threads of its own.
            clock = time.process_time if stage in ("all", "forward") else time.thread_time
            for place, name in places:
                replacement = clocked(stage, getattr(place, name), clock)
                stack.enter_context(mock.patch.object(place, name, replacement))
        draw_ours(subject, folder)
    total = seconds.pop("all")
    return seconds | {"all else": total - sum(seconds.values())}


def make_floor(subject: Subject, sources: Path) -> Callable[[], tuple[dict[str, float], dict[str, float]]]:
    """Return what no renderer can do without, made from the pictures that ours has written.

    It returns the seconds of each stage, and the same with a GIF encoding that only compresses.
    """
    import keras
    import tensorflow as tf

    outputs = [
        layer.output
        for layer in subject.extractor.model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    function = tf.function(keras.Model(subject.extractor.model.inputs, outputs))
    written = [np.asarray(Image.open(path)).tobytes() for path in sources.rglob("*.png")]
    written += [levels(path) for path in sources.rglob("maps.js")]
    animations = []
    for path in sources.rglob("*.gif"):
        with Image.open(path) as opened:
            frames = [np.asarray(frame.convert("P")) for frame in ImageSequence.Iterator(opened)]
            animations.append((np.stack(frames), opened.info["duration"]))
    table = palette.colour_table("viridis")
    batches = [tf.constant(values[None]) for values in subject.inputs]
    function(batches[0])

    def floor() -> tuple[dict[str, float], dict[str, float]]:
        times = [time.perf_counter()]
        for batch in batches:
            [each.numpy() for each in function(batch)]
        times.append(time.perf_counter())
        for each in written:
            zlib.compress(each, 1)
        times.append(time.perf_counter())
        for frames, milliseconds in animations:
            gif_with_pillow(frames, table, milliseconds)
        times.append(time.perf_counter())
        for frames, milliseconds in animations:
            gif.encode(frames, table, milliseconds)
        times.append(time.perf_counter())
        forward, deflate, ours, bare = np.diff(times).tolist()
        known = {"forward": forward, "zlib": deflate}
        return known | {"GIF": ours}, known | {"GIF": bare}

    return floor


def gif_with_pillow(frames: np.ndarray, table: np.ndarray, milliseconds: int) -> bytes:
    """Encode palette indices, uint8 (frames, height, width), by Pillow alone."""
    palette = table.tobytes()
    first, *others = [Image.fromarray(frame) for frame in frames]
    for picture in (first, *others):
        picture.putpalette(palette)
    options = {"save_all": True, "append_images": others, "duration": milliseconds, "loop": 0}
    return photos.save(first, "GIF", optimize=False, palette=palette, **options)


def levels(script: Path) -> bytes:
    """Return the 8-bit maps in a script for the explorer."""
    return zlib.decompress(base64.b64decode(json.loads(script.read_text()[len("agData(") : -3])["levels"]))


def normalised(channel: np.ndarray) -> np.ndarray:
    """Return one channel as uint8, the way notebooks do it."""
    low, high = channel.min(), channel.max()
    return ((channel - low) / (high - low or 1) * 255).astype(np.uint8)


def grid_of(maps: np.ndarray) -> np.ndarray:
    """Tile the channels of (height, width, channels), `COLUMNS` in a row."""
    height, width, channels = maps.shape
    rows = -(-channels // COLUMNS)
    sheet = np.zeros((rows * height, COLUMNS * width), np.uint8)
    for channel in range(channels):
        row, column = divmod(channel, COLUMNS)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = normalised(
            maps[..., channel]
        )
    return sheet


def draw_with_matplotlib(subject: Subject, folder: Path) -> None:
    """Draw a figure for each layer, save each channel, and animate the figures."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    for number, layers in enumerate(subject.activations()):
        frames, singles = [], []
        for name, maps in layers.items():
            sheet = grid_of(maps)
            figure = pyplot.figure(figsize=(8, 8 * sheet.shape[0] / sheet.shape[1] + 0.5))
            pyplot.title(name)
            pyplot.imshow(sheet, cmap="viridis", aspect="equal")
            figure.savefig(folder / f"{number}-{name}.png")
            pyplot.close(figure)
            frames.append(imageio.imread(folder / f"{number}-{name}.png")[..., :3])
            for channel in range(maps.shape[2]):
                path = folder / f"{number}-{name}-{channel}.png"
                single = np.kron(maps[..., channel], np.ones((max(1, 128 // maps.shape[0]),) * 2))
                pyplot.imsave(path, single, cmap="viridis")
                if "conv" in name:
                    singles.append(imageio.imread(path)[..., :3])
        write_gifs(folder, number, frames, singles)


def draw_with_opencv(subject: Subject, folder: Path) -> None:
    """Colour, enlarge and write each channel and each grid, and animate RGB frames."""
    import cv2

    for number, layers in enumerate(subject.activations()):
        frames, singles = [], []
        for name, maps in layers.items():
            sheet = cv2.applyColorMap(grid_of(maps), cv2.COLORMAP_VIRIDIS)
            cv2.imwrite(str(folder / f"{number}-{name}.png"), sheet)
            frames.append(sheet[..., ::-1])
            for channel in range(maps.shape[2]):
                coloured = cv2.applyColorMap(normalised(maps[..., channel]), cv2.COLORMAP_VIRIDIS)
                side = max(128, maps.shape[0])
                enlarged = cv2.resize(coloured, (side, side), interpolation=cv2.INTER_NEAREST)
                cv2.imwrite(str(folder / f"{number}-{name}-{channel}.png"), enlarged)
                if "conv" in name:
                    singles.append(enlarged[..., ::-1])
        write_gifs(folder, number, frames, singles)


def write_gifs(folder: Path, number: int, frames: list[np.ndarray], singles: list[np.ndarray]) -> None:
    """Write both animations of an image: the grids on one canvas, and as many channels as ours takes."""
    canvas = [np.asarray(Image.fromarray(frame).resize((704, 704))) for frame in frames]
    imageio.imwrite(folder / f"{number}-layers.gif", canvas, duration=2000, loop=0)
    chosen = [singles[index * len(singles) // 480] for index in range(min(480, len(singles)))]
    large = [np.asarray(Image.fromarray(frame).resize((256, 256))) for frame in chosen]
    imageio.imwrite(folder / f"{number}-channels.gif", large, duration=200, loop=0)


def fresh_folder(parent: str) -> Path:
    """Return a new folder, once nothing waits to be written."""
    os.sync()
    return Path(tempfile.mkdtemp(dir=parent))


def main() -> None:
    """Run everything in turn and print medians, ratios and what each stage takes."""
    subject = Subject()
    ways = {"matplotlib": draw_with_matplotlib, "OpenCV": draw_with_opencv}
    try:
        import cv2  # noqa: F401
    except ImportError:
        print("OpenCV is not installed: its way is left out")
        del ways["OpenCV"]
    names = ("floor", "bare floor", "ours", *ways)
    stages: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        first = fresh_folder(folder)
        draw_ours(subject, first)
        floor = make_floor(subject, first / "site_src/gallery")
        for _ in range(RUNS):
            for name, seconds in zip(("floor", "bare floor"), floor(), strict=True):
                stages[name].append(seconds)
            stages["ours"].append({"pictures": draw_ours(subject, fresh_folder(folder))})
            for way, draw in ways.items():
                target = fresh_folder(folder)
                start = time.perf_counter()
                draw(subject, target)
                stages[way].append({"all": time.perf_counter() - start})
        show(stages, first / "site_src/gallery")
        shares = stages_of_ours(subject, fresh_folder(folder))
        total = sum(shares.values())
        print(f"processor time of ours, on all cores: {total:.2f} s")
        for stage, seconds in shares.items():
            print(f"  {stage:11} {seconds:6.2f} s {seconds / total:5.0%}")


def show(stages: dict[str, list[dict[str, float]]], sources: Path) -> None:
    """Print the medians and their ratios."""
    totals = {name: statistics.median(sum(run.values()) for run in runs) for name, runs in stages.items()}
    for name, runs in stages.items():
        shares = {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
        parts = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in shares.items())
        print(f"{name:11} {totals[name]:7.2f} s ({parts})")
    pictures = [path for path in sources.rglob("*") if path.suffix in (".png", ".gif", ".jpg")]
    written = sum(path.stat().st_size for path in pictures)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(pictures):,} pictures, {written / 1e6:.1f} MB, {len(pictures) / totals['ours']:,.0f} a second"
    )
    print(f"peak memory of all this: {memory:.2f} GB")
    print(f"ours / floor: {totals['ours'] / totals['floor']:.2f} (goal: at most 1.5)")
    print(f"ours / bare floor: {totals['ours'] / totals['bare floor']:.2f}")
    for way, goal in (("matplotlib", 20), ("OpenCV", 8)):
        if way in totals:
            print(f"{way} / ours: {totals[way] / totals['ours']:.1f} (goal: at least {goal})")


if __name__ == "__main__":
    main()
