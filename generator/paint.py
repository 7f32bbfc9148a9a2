"""Draw all images: for each one forward pass, its pictures, and then the animations."""

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from generator import encode, heat, images, plan, render
from generator.data import (
    Activations,
    Animation,
    Decision,
    Download,
    Explanation,
    ImageResult,
    InputImage,
    Layer,
    LayerResult,
    ModelInfo,
    Picture,
    Prediction,
    PreparedImage,
    Step,
)
from generator.errors import ImageError
from generator.model.predict import predict
from generator.output import SourceFolder
from generator.raster import evenly_spaced

GIF_AIM = 2_000_000  # bytes: what a README loads without delay
GIF_LIMIT = 5_000_000  # bytes: above this GitHub does not show a README's picture
CANVASES = (704, 664, 600, 532, 464, 400, 334, 266)  # pixels; powers of two and their gaps fit in well
SEEN_SIDE = 256  # pixels: the least longer side of the picture of what the model sees


class Extractor(Protocol):
    """What a build needs of a model."""

    def describe(self) -> ModelInfo:
        """Return what is known of the model and its layers."""

    def extract(self, values: np.ndarray, others: Mapping[str, np.ndarray]) -> Activations:
        """Return every layer's output for one image, float32 (height, width, channels).

        `others` are the pictures for further inputs by name. Raises `ImageError` when the image does not fit.
        """

    def explain(
        self,
        values: np.ndarray,
        others: Mapping[str, np.ndarray],
        layers: Sequence[int],
        prediction: Prediction,
    ) -> Explanation:
        """Return what the prediction for an image that was extracted rests on, in layers of these indices."""


@dataclass
class Painter:
    """Draws images one after the other and writes their pictures.

    `preparation` says how pictures become values. `pool` maps renderers over jobs; `spill` is a folder for
    what the animations over channels need later, so that only one image's activations are in memory. `side`
    is the canvas of the animations over layers: the largest at which the first image's GIF stays within
    `GIF_AIM`, then the same for all. `arrays` is the type of the numbers to take along, or "none",
    `explain` whether predictions are explained.
    """

    plan: plan.Plan
    style: render.Style
    preparation: images.Preparation
    pool: Executor
    sources: SourceFolder
    spill: Path
    tell: Callable[[Step], None]
    arrays: str
    explain: bool
    side: int | None = None

    def draw(self, extractor: Extractor, model: ModelInfo, labels: Sequence[str]) -> tuple[ImageResult, ...]:
        """Draw every image. Raises `ImageError` when none of them can be read."""
        results = []
        for number, image in enumerate(self.plan.images):
            self._tell(number, 0, image)
            if image.error:
                results.append(ImageResult(image))
                continue
            try:
                prepared = self.preparation.apply(images.decode(image.path), model.input_shape)
                activations = extractor.extract(prepared.values, self._others(image, model))
            except ImageError as error:
                results.append(ImageResult(replace(image, error=str(error))))
                continue
            prediction = predict(activations.outputs, model.final_activation, labels)
            maps = [activations.maps[layer.index] for layer in self.plan.drawn]
            drawn = self._draw_layers(number, image, maps)
            stacks = [activations.maps[layer.index] for layer in self.plan.mapped]
            animation = self._layers_animation(image, stacks, drawn)
            result = self._draw_input(image, prepared, prediction)
            arrays = self._write_arrays(image, maps) if self.arrays != "none" else None
            result = replace(
                result, layers=drawn, layers_gif=animation, check=activations.check, arrays=arrays
            )
            if self.explain and prediction.score is not None:
                decision = self._explain(extractor, image, model, prepared, prediction)
                result = replace(result, decision=decision)
            results.append(result)
        if all(result.image.error for result in results):
            names = "; ".join(f"{each.image.name}: {each.image.error}" for each in results[:3])
            raise ImageError(f"expected at least one readable image, received none ({names})")
        return tuple(results)

    def _others(self, image: InputImage, model: ModelInfo) -> dict[str, np.ndarray]:
        """Return the pictures for the model's other inputs: of the same name, or the only one there is."""
        others = {}
        for each in model.inputs:
            if each.folder:
                found = images.find_images(each.folder)
                same = [path for path in found if path.stem == image.path.stem] or found
                if len(same) > 1:
                    wanted = f"one picture called {image.path.stem} in {each.folder.name} for {each.name}"
                    raise ImageError(f"expected {wanted}, received {len(same)}: name them alike")
                others[each.name] = self.preparation.apply(images.decode(same[0]), each.shape).values
        return others

    def _tell(self, number: int, layers: int, image: InputImage) -> None:
        each = len(self.plan.drawn)
        self.tell(Step("pictures", number * each + layers, len(self.plan.images) * each, image.name))

    def _draw_layers(
        self, number: int, image: InputImage, maps: Sequence[np.ndarray]
    ) -> dict[str, LayerResult]:
        """Write the grids and single channels of one image; keep its channels for the animation."""
        tasks = self.plan.tasks(image)
        drawn, frames = {}, {}
        for result in self.pool.map(render.render_layer, tasks, maps, [self.style] * len(tasks)):
            for path, content in result.files.items():
                self.sources.write(path, content)
            drawn[result.task.layer.slug] = result.layer
            frames[result.task.layer.slug] = result.frames
            self._tell(number, len(drawn), image)
        np.savez(self.spill / f"{image.slug}.npz", **frames)
        return drawn

    def _explain(
        self,
        extractor: Extractor,
        image: InputImage,
        model: ModelInfo,
        prepared: PreparedImage,
        prediction: Prediction,
    ) -> Decision:
        """Have a prediction explained, and write the pictures of that."""
        layers = self.plan.explained
        explanation = extractor.explain(
            prepared.values, self._others(image, model), [layer.index for layer in layers], prediction
        )
        decision, files = heat.draw_decision(image.slug, prepared.seen, layers, explanation)
        for path, content in files.items():
            self.sources.write(path, content)
        return decision

    def _write_arrays(self, image: InputImage, maps: Sequence[np.ndarray]) -> Download:
        """Write what the drawn layers made of an image: an array for each by its slug, never pickled."""
        path, content = plan.arrays_file(image.slug), io.BytesIO()
        with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite, as documented
            slugs = [layer.slug for layer in self.plan.drawn]
            np.savez_compressed(
                content, **{slug: each.astype(self.arrays) for slug, each in zip(slugs, maps, strict=True)}
            )
        self.sources.write(path, content.getvalue())
        return Download(path, content.tell(), self.arrays)

    def _draw_input(self, image: InputImage, prepared: PreparedImage, prediction: Prediction) -> ImageResult:
        """Write the image as given and as the model sees it."""
        folder = plan.image_page(image.slug)
        photo, *size = encode.photo(prepared.original)
        self.sources.write(f"{folder}/original.jpg", photo)
        height, width = prepared.seen.shape[:2]
        factor = -(-SEEN_SIDE // max(height, width))
        self.sources.write(f"{folder}/seen.png", encode.exact(prepared.seen, factor))
        return ImageResult(
            image=image,
            size=prepared.original.shape[1::-1],
            original=Picture(f"{folder}/original.jpg", *size),
            seen=Picture(f"{folder}/seen.png", width * factor, height * factor),
            fed=prepared.values.shape,
            prediction=prediction,
        )

    def _layers_animation(
        self, image: InputImage, maps: Sequence[np.ndarray], drawn: dict[str, LayerResult]
    ) -> Animation:
        layers = self.plan.mapped
        ranges = [drawn[layer.slug].ranges for layer in layers]
        for side in [self.side] if self.side else CANVASES:
            pictures = list(self.pool.map(render.layer_frame, layers, maps, ranges, [side] * len(layers)))
            frames = render.layers_frames(pictures)
            content = encode.gif(frames.indices, self.style.table, frames.milliseconds)
            if len(content) <= GIF_AIM:
                break
        self.side = self.side or side
        while len(content) > GIF_LIMIT and len(frames.indices) > 1:
            kept = list(evenly_spaced(len(frames.indices), len(frames.indices) // 2))
            frames = render.Frames(frames.indices[kept], frames.milliseconds)
            content = encode.gif(frames.indices, self.style.table, frames.milliseconds)
        shown = len(frames.indices), len(layers)
        return self._animation(image, "layers", content, frames.indices[0], shown)

    def channel_animations(self, results: tuple[ImageResult, ...]) -> tuple[ImageResult, ...]:
        """Add the animations over channels: as many channels as fit, the same for every image."""
        if not self.plan.convolutions:
            return results
        self.tell(Step("animations", 0, 1, "animating channels"))
        good = [result.image for result in results if not result.image.error]
        chosen = self.plan.animated_channels(self.plan.gif_channels)
        trials = (good[:1], good) if len(good) > 1 else (good,)
        for some in trials:  # what fits for the first mostly fits for all, so try that first
            chosen, stills = self._channels_that_fit(some, chosen)
        total = sum(layer.channels for layer in self.plan.convolutions)
        made = {}
        for image, still in zip(good, stills, strict=True):
            content = (self.spill / f"{image.slug}.gif").read_bytes()
            made[image] = self._animation(image, "channels", content, still, (len(chosen), total))
        return tuple(replace(result, channels_gif=made.get(result.image)) for result in results)

    def _channels_that_fit(
        self, inputs: Sequence[InputImage], chosen: tuple[tuple[Layer, int], ...]
    ) -> tuple[tuple[tuple[Layer, int], ...], list[np.ndarray]]:
        """Return as many of the channels as keep the largest GIF small, and each image's first frame."""
        while True:
            made = list(self.pool.map(self._spill_channels, inputs, [chosen] * len(inputs)))
            largest = max(size for size, _ in made)
            wanted = GIF_AIM if len(chosen) > len(self.plan.convolutions) else GIF_LIMIT
            if largest <= wanted or len(chosen) == 1:
                return chosen, [still for _, still in made]
            fewer = min(len(chosen) - 1, int(len(chosen) * GIF_AIM / largest))
            chosen = self.plan.animated_channels(max(1, fewer))

    def _spill_channels(
        self, image: InputImage, chosen: Sequence[tuple[Layer, int]]
    ) -> tuple[int, np.ndarray]:
        """Leave an image's GIF over the channels in `spill`; return its bytes and its first frame."""
        with np.load(self.spill / f"{image.slug}.npz") as stored:
            maps = {slug: stored[slug] for slug in {layer.slug for layer, _ in chosen}}
        frames = render.channels_frames(
            [(layer, self.plan.frames(layer)[at], maps[layer.slug][at]) for layer, at in chosen]
        )
        content = encode.gif(frames.indices, self.style.table, frames.milliseconds)
        return (self.spill / f"{image.slug}.gif").write_bytes(content), frames.indices[0]

    def _animation(
        self, image: InputImage, name: str, content: bytes, still: np.ndarray, shown: tuple[int, int]
    ) -> Animation:
        """Write a GIF and its first frame; `shown` is how many layers or channels it has, and of how many."""
        path = f"{plan.image_page(image.slug)}/{name}"
        height, width = still.shape
        self.sources.write(f"{path}.gif", content)
        self.sources.write(f"{path}.png", encode.png(still, self.style.table))
        gif, picture = (Picture(f"{path}.{ending}", width, height) for ending in ("gif", "png"))
        frames, total = shown
        note = f"{total - frames:,} of {total:,} {name} left out to stay small" if frames < total else None
        return Animation(gif, picture, len(content), frames, note)
