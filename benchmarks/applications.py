"""Build and verify galleries of well-known architectures: `python benchmarks/applications.py [NAME …]`.

Every model is made without weights, so nothing is downloaded. A handful of layers, evenly spread, is drawn
for one picture, and every layer is computed again from its recorded input. Exit status 1 when a check fails.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
IMAGES = Path(__file__).parent.parent / "test_images"
HANDFUL = 6
NAMES = (
    "VGG16", "ResNet50V2", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "DenseNet121", "Xception",
    "InceptionV3", "NASNetMobile", "ConvNeXtTiny", "transfer",
)  # fmt: skip


def make(name: str):
    """Return an untrained model."""
    import keras

    if name != "transfer":
        return getattr(keras.applications, name)(weights=None)
    prepare = keras.Sequential(
        [keras.Input((160, 160, 3)), keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 127.5, -1)],
        name="prepare",
    )
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(160, 160, 3))
    base.trainable = False
    inputs = keras.Input((160, 160, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(prepare(inputs), training=False))
    return keras.Model(inputs, keras.layers.Dense(5, activation="softmax")(x), name="transfer")


def show(name: str) -> bool:
    """Build one gallery, print a line about it, and return whether everything was verified."""
    from generator.build import build, open_model
    from generator.core import plan
    from generator.core.sequences import evenly_spaced
    from generator.core.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.keras"
        (Path(folder) / "images").mkdir()
        (Path(folder) / "images/cat.png").symlink_to(IMAGES / "cat.png")
        make(name).save(path)
        settings = Settings(path, Path(folder) / "images", Path(folder) / "site", site=False, verify=True)
        layers = plan.plan_layers(open_model(settings, "").describe().layers, (), False)
        maps = [layer for layer in layers if layer.is_map and layer.reason is None]
        chosen = tuple(maps[index].name for index in evenly_spaced(len(maps), HANDFUL))
        start = time.perf_counter()
        report = build(Settings(**{**vars(settings), "layers": chosen}))
        seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    state = "verified" if not report.unverified else f"FAILED: {report.unverified}"
    print(
        f"{name:18} {len(layers):4} layers, {len(maps):4} with maps, {report.layers} drawn, "
        f"{report.pictures:5} pictures, {seconds:5.1f} s, {memory:.1f} GB: {state}",
        flush=True,
    )
    return not report.unverified


def main() -> None:
    """Show each architecture in a process of its own, so that memory is counted for each."""
    names = sys.argv[1:] or NAMES
    if len(names) == 1:
        sys.exit(not show(names[0]))
    states = [subprocess.run([sys.executable, __file__, name], check=False).returncode for name in names]
    sys.exit(any(states))


if __name__ == "__main__":
    main()
