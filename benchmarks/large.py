"""Large galleries: `python benchmarks/large.py [gallery] [memory] [fit] [maps] [--images 10 30] …`.

Four parts, all of them unless some are named. Every run is a process of its own, so that its peak memory is
its own, and its gallery is removed at once. The pictures are varied from those in `test_images`, the same
every time.

    gallery  the default model with every channel of every layer drawn, for more and more images
    memory   ResNet50 at 224×224 for few and for many images, to fit into GitHub Pages: peak memory above
             TensorFlow's own start-up
    fit      ResNet50 for 20 images with a size to stay below
    maps     a model with maps of 512×512×64
"""

import argparse
import functools
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parent.parent
SIDE = 256  # pixels of the varied pictures
MEGABYTE = 1_000_000
MOST_MEMORY = 1_500  # megabytes above TensorFlow's own start-up


def vary(folder: Path, number: int) -> Path:
    """Write `number` pictures into a new folder: crops, mirrored ones, darker and lighter ones."""
    folder.mkdir()
    originals = [Image.open(path).convert("RGB") for path in sorted((ROOT / "test_images").glob("*.png"))]
    for each in range(number):
        generator = np.random.default_rng(each)
        picture = originals[each % len(originals)]
        side = int(min(picture.size) * generator.uniform(0.6, 1))
        left, top = (int(generator.integers(0, length - side + 1)) for length in picture.size)
        picture = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
        if generator.random() < 0.5:
            picture = ImageOps.mirror(picture)
        picture = ImageEnhance.Brightness(picture).enhance(generator.uniform(0.6, 1.4))
        picture.save(folder / f"picture-{each:04d}.jpg", quality=90)
    return folder


def alone(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns in a new process, and that process's peak memory in megabytes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result = pool.submit(work).result()
        return result, pool.submit(peak).result()


def peak() -> float:
    """Return this process's peak memory in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def start_tensorflow() -> None:
    """Do what is called TensorFlow's own start-up here: import it, and add two numbers."""
    import tensorflow as tf

    (tf.constant(1) + 1).numpy()


def save_resnet(path: Path) -> None:
    """Save ResNet50 at 224×224 with random weights, so that nothing is downloaded."""
    import keras

    keras.utils.set_random_seed(0)
    keras.applications.ResNet50(weights=None).save(path)


def save_large_maps(path: Path) -> None:
    """Save a model whose first layers have maps of 512×512×64."""
    import keras

    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((512, 512, 3))
    for number in range(2):
        x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name=f"wide{number}")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.MaxPooling2D(8)(x))
    keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x)).save(path)


def build(model: Path, images: Path, folder: Path, **others: Any) -> dict[str, Any]:
    """Build a gallery, remove it, and return seconds by stage and how large everything was."""
    from generator import build as story
    from generator.core.settings import Settings

    start = time.perf_counter()
    report = story.build(Settings(model, images, folder / "site", **others))
    seconds = time.perf_counter() - start
    sizes = {path: path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()}
    largest = max((path for path in sizes if path.suffix == ".html"), key=sizes.get)
    index = folder / "site/search/search_index.json"
    result = {
        "images": report.images,
        "layers": report.layers,
        "pages": report.pages,
        "files": len(sizes),
        "seconds": seconds,
        "stages": report.seconds,
        "site": sum(sizes.values()) / MEGABYTE,
        "largest": (largest.relative_to(folder / "site").as_posix(), sizes[largest] / MEGABYTE),
        "search": sizes[index] / MEGABYTE,
    }
    for each in ("site", "site_src"):
        shutil.rmtree(folder / each)
    return result


def show(found: dict[str, Any], memory: float) -> None:
    """Print two lines about a gallery."""
    images = found["images"]
    stages = ", ".join(f"{name} {seconds / images:.2f}" for name, seconds in found["stages"].items())
    print(
        f"{images:4} images, {found['layers']} layers: {found['seconds'] / images:6.2f} s an image "
        f"({stages}), {memory:,.0f} MB at most in memory"
    )
    page, size = found["largest"]
    print(
        f"            {found['site']:,.0f} MB in {found['files']:,} files and {found['pages']:,} pages, "
        f"the largest {page} with {size:.2f} MB, search index {found['search']:.2f} MB",
        flush=True,
    )


def show_gallery(folder: Path, options: argparse.Namespace) -> None:
    """Print what an image costs in ever larger galleries of the default model."""
    print("The default model, every channel of every layer drawn")
    for number in options.images:
        pictures = vary(folder / f"gallery-{number}", number)
        model = ROOT / "models/cats_and_dogs.hdf5"
        show(*alone(functools.partial(build, model, pictures, folder, channels=("all",))))


def show_memory(folder: Path, options: argparse.Namespace) -> None:
    """Print the peak memory of ResNet50 for few and many images."""
    print("ResNet50 at 224×224")
    model, start = resnet(folder), alone(start_tensorflow)[1]
    print(f"TensorFlow's own start-up, importing it and adding two numbers: {start:,.0f} MB")
    for number in options.memory_images:
        pictures = vary(folder / f"memory-{number}", number)
        found, memory = alone(functools.partial(build, model, pictures, folder, fit=1000 * MEGABYTE))
        show(found, memory)
        print(f"            {memory - start:,.0f} MB above TensorFlow's start-up (goal: {MOST_MEMORY:,})")


def show_fit(folder: Path, options: argparse.Namespace) -> None:
    """Print what ResNet50 costs with a size to stay below."""
    print(f"ResNet50 at 224×224, to fit into {options.fit} MB")
    pictures = vary(folder / "fit", options.fit_images)
    show(*alone(functools.partial(build, resnet(folder), pictures, folder, fit=options.fit * MEGABYTE)))


def show_maps(folder: Path, _: argparse.Namespace) -> None:
    """Print what large maps cost."""
    print("Two convolutions with maps of 512×512×64")
    model = folder / "maps.keras"
    alone(functools.partial(save_large_maps, model))
    show(*alone(functools.partial(build, model, vary(folder / "maps", 2), folder)))


def resnet(folder: Path) -> Path:
    """Return the file of ResNet50, which is made once."""
    path = folder / "resnet50.keras"
    if not path.exists():
        alone(functools.partial(save_resnet, path))
    return path


PARTS = {"gallery": show_gallery, "memory": show_memory, "fit": show_fit, "maps": show_maps}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="gallery, memory, fit, maps; without any, all of them")
    parser.add_argument("--images", type=int, nargs="+", default=[10, 30, 100, 300])
    parser.add_argument("--memory-images", type=int, nargs="+", default=[5, 50])
    parser.add_argument("--fit-images", type=int, default=20)
    parser.add_argument("--fit", type=int, default=500, help="megabytes")
    options = parser.parse_args()
    unknown = set(options.parts) - PARTS.keys()
    if unknown:
        parser.error(f"expected parts among {', '.join(PARTS)}, received {', '.join(sorted(unknown))}")
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder), options)


if __name__ == "__main__":
    main()
