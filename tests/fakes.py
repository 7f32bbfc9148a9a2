"""Stand-ins that tests share: an extractor without a model, and projects to build with it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import save_picture

from generator.core.errors import ModelError
from generator.core.facts import FileKind, ScoreKind
from generator.core.plan import Plan, plan_layers
from generator.core.records import Activations, InputImage, LayerInfo, ModelInfo
from generator.core.settings import Settings
from generator.inputs import source_folder
from generator.model.extractor import Extractor, Models, Recipe


class FakeExtractor:
    """Makes maps out of the image itself: scaled copies, a constant channel, one with NaN and infinity."""

    def __init__(self, *_, channels: int = 5, side: int = 12, noise: bool = False):
        self.channels, self.side, self.noise = channels, side, noise

    def describe(self) -> ModelInfo:
        shape = (self.side, self.side, self.channels)
        layers = (
            LayerInfo(index=1, name="conv", kind="Conv2D", family="convolution", shape=shape, parameters=9),
            LayerInfo(
                index=2, name="drop", kind="Dropout", family="other", shape=shape, parameters=0, repeats=1
            ),
            LayerInfo(index=3, name="act", kind="ReLU", family="activation", shape=shape, parameters=0),
        )
        return ModelInfo(
            file="fake.h5",
            digest="0" * 64,
            name="fake",
            input_shape=(self.side, self.side, 3),
            parameters=9,
            layers=layers,
            output_shapes=((2,),),
            final_activation="softmax",
            value_range=None,
        )

    def extract(self, values: np.ndarray, _others) -> Activations:
        maps = values.mean(axis=2, keepdims=True) * np.arange(1, self.channels + 1, dtype=np.float32)
        if self.noise:
            maps = np.random.default_rng(int(values.sum())).normal(size=maps.shape).astype(np.float32)
        maps[..., 1] = 3
        maps[0, 0, 2], maps[0, 1, 2], maps[0, 2, 2] = np.nan, np.inf, -np.inf
        maps.flags.writeable = False
        return Activations({1: maps, 2: maps, 3: maps}, (np.array([0.25, 0.75], np.float32),))

    def lacks_gradients(self) -> None:
        return None

    def gradients(self, _values, _others, _layers, _score) -> "FakeGradients":
        return FakeGradients(self.side, self.channels)


class FakeGradients:
    """Every map is a diagonal, and every gradient is one; what follows runs alone, and no channel matters."""

    score, kind = 1.0, ScoreKind.LOGIT

    def __init__(self, side: int, channels: int):
        self.maps = np.eye(side, dtype=np.float32)[..., None].repeat(channels, axis=-1)

    def maps_of(self, _layer: int) -> tuple[np.ndarray, np.ndarray] | None:
        return self.maps, np.ones_like(self.maps)

    def runs_rest_alone(self, _layer: int) -> bool:
        return True

    def ablate(self, _layer: int, channels) -> np.ndarray:
        return np.full(len(channels), self.score, np.float32)


def fake_kind(path: Path) -> FileKind:
    """Take any file for one of a model."""
    if not path.is_file():
        raise ModelError(f"expected a file, received {path.name}")
    return FileKind.HDF5


def fake_models(opened: Callable[[Recipe], Extractor] = FakeExtractor) -> Models:
    """Return what a build opens models with: `opened` for each of them, whatever is in their files."""
    return Models(kind_of=fake_kind, open=opened)


def make_project(folder: Path, seed: int) -> Settings:
    """Lay out a project whose pictures depend on `seed`."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "fake.h5").write_bytes(b"fake")
    for number, name in enumerate(("a.png", "b.png")):
        save_picture(folder / "in" / name, seed=10 * seed + number)
    if seed:
        save_picture(folder / "in" / "only-here.png", seed=9)
    else:
        (folder / "in" / "only-here.png").unlink(missing_ok=True)
    return Settings(folder / "fake.h5", folder / "in", folder / "site")


def small_project(folder: Path) -> Settings:
    """Lay out a project with one picture."""
    (folder / "in").mkdir()
    (folder / "site_src").mkdir()
    save_picture(folder / "in/a.png")
    (folder / "fake.h5").write_bytes(b"fake")
    return Settings(folder / "fake.h5", folder / "in", folder / "site", project=folder)


def make_plan(layers: int = 10, images: int = 3, side: int | None = 64, channels: int = 40) -> Plan:
    infos = [
        LayerInfo(index=i, name=f"conv{i}", kind="Conv2D", family="convolution", shape=(side, side, channels),
                  parameters=1)
        for i in range(1, layers + 1)
    ]  # fmt: skip
    found = tuple(
        InputImage(name=f"{i}.png", slug=str(i), path=Path(f"{i}.png"), digest="") for i in range(images)
    )
    return Plan(
        images=found,
        layers=plan_layers(infos, (), False),
        singles=("convolution",),
        gif_channels_per_layer=32,
        gif_channels=480,
    )


def sources(settings: Settings) -> Path:
    return source_folder(settings)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
