"""Draw all images: for each one forward pass, its pictures, and then the animations."""

import hashlib
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from generator import images
from generator.analysis.prediction import predict
from generator.core import paths, plan
from generator.core.errors import ImageError
from generator.core.records import (
    Activations,
    Animation,
    Decision,
    Download,
    FailedImage,
    ImageResult,
    InputImage,
    Layer,
    LayerResult,
    ModelInfo,
    Picture,
    Prediction,
    PreparedImage,
    RenderResult,
    RenderTask,
    ShownImage,
    Step,
)
from generator.model.extractor import Extractor
from generator.render import cards, encode, layer_pictures, overlays
from generator.storage.cache import Cache, fingerprint
from generator.storage.output import SourceFolder

GIF_LIMIT = 5_000_000  # bytes: above this GitHub does not show a README's picture
SEEN_SIDE = 256  # pixels: the least longer side of the picture of what the model sees


@dataclass
class Painter:
    """Draws images one after the other and writes their pictures.

    An image's pictures depend on nothing but the image, `key`, which is the fingerprint of all else that they
    are made from, and its `plan`; so those of an earlier build are kept where both are the same. `others` has
    the digests of the pictures for further inputs, by input and file. `preparation` says how pictures become
    values, `pool` maps renderers over jobs, `arrays` is the type of the numbers to take along, or "none",
    `explain` whether predictions are explained.
    """

    plan: plan.Plan
    style: layer_pictures.Style
    preparation: images.Preparation
    labels: Sequence[str]
    pool: Executor
    sources: SourceFolder
    cache: Cache
    key: str
    others: Mapping[str, Mapping[str, str]]
    tell: Callable[[Step], None]
    arrays: str
    explain: bool
    kept: int = 0

    def draw(self, open_extractor: Callable[[], Extractor], model: ModelInfo) -> tuple[ImageResult, ...]:
        """Draw every image. Raises `ImageError` when none of them can be read."""
        results = []
        for number, image in enumerate(self.plan.images):
            result = self._recall(image)
            if result is None:
                self._tell(number, 0, image)
                before = len(self.sources)
                result = self._draw(number, image, open_extractor, model)
                if isinstance(result, ShownImage):
                    files = self.sources.since(before)
                    self.cache.remember(image.slug, self._key(result.image), result, files)
            results.append(result)
        if all(isinstance(result, FailedImage) for result in results):
            names = "; ".join(f"{each.image.name}: {each.error}" for each in results[:3])
            raise ImageError(f"expected at least one readable image, received none ({names})")
        return tuple(results)

    def _key(self, image: InputImage) -> str:
        return fingerprint(self.key, image.name, image.slug, image.digest)

    def _recall(self, image: InputImage) -> ImageResult | None:
        """Return what an earlier build made of an image, if all of it is still there."""
        found = self.cache.recall(image.slug, self._key(image))
        if found is None or not self.sources.keep(found[1]):
            return None
        self.kept += 1
        return replace(found[0], image=image)

    def _draw(
        self, number: int, image: InputImage, open_extractor: Callable[[], Extractor], model: ModelInfo
    ) -> ImageResult:
        """Draw one image; what is wrong with it becomes its `error`."""
        if image.error:
            return FailedImage(image=image, error=image.error)
        try:
            content = images.read(image.path)  # its digest is that of what is drawn, changed or not
            image = replace(image, digest=hashlib.sha256(content).hexdigest())
            prepared = self.preparation.apply(images.decode(content), model.input_shape)
            del content
            others = self._others(image, model)
            extractor = open_extractor()
            activations = extractor.extract(prepared.values, others)
        except ImageError as error:
            # What the system could not read may be back next time: it has no digest, as in `find_inputs`.
            digest = "" if isinstance(error.__cause__, OSError) else image.digest
            return FailedImage(image=replace(image, digest=digest), error=str(error))
        prediction = predict(activations.outputs, model.final_activation, self.labels)
        result = self._draw_input(image, prepared, prediction)
        result = self._draw_activations(number, result, activations)
        del activations  # the gradients take as much memory again
        if self.explain and prediction.score is not None:
            decision = self._explain(extractor, image, others, prepared, prediction)
            result = replace(result, decision=decision)
        return result

    def _draw_activations(self, number: int, result: ImageResult, activations: Activations) -> ImageResult:
        """Write all that shows an image's maps, and add it to its `result`."""
        image = result.image
        maps = [activations.maps[layer.index] for layer in self.plan.drawn]
        stacks = [activations.maps[layer.index] for layer in self.plan.mapped]
        drawn, pictures, frames = self._draw_layers(number, image, maps)
        result = replace(result, layers=drawn, check=activations.check)
        layers_gif = self.pool.submit(self._layers_animation, image, stacks, drawn, pictures)
        channels_gif = self.pool.submit(self._channels_animation, image, frames)
        card = self.pool.submit(self._draw_card, result)
        arrays = self._write_arrays(image, maps) if self.arrays != "none" else None
        card.result()
        return replace(
            result, layers_gif=layers_gif.result(), channels_gif=channels_gif.result(), arrays=arrays
        )

    def _draw_card(self, result: ImageResult) -> None:
        card = cards.image_card(self.sources.root, result, self.plan.mapped)
        self.sources.write(paths.image_card(result.image.slug), card)

    def _others(self, image: InputImage, model: ModelInfo) -> dict[str, np.ndarray]:
        """Return the pictures for the model's other inputs: of the same name, or the only one there is."""
        others, preparation = {}, replace(self.preparation, channels=())  # which fill the test image alone
        for each in model.inputs:
            if each.folder:
                found = images.find_images(each.folder)
                same = [path for path in found if path.stem == image.path.stem] or found
                if len(same) > 1:
                    wanted = f"one picture called {image.path.stem} in {each.folder.name} for {each.name}"
                    raise ImageError(f"expected {wanted}, received {len(same)}: name them alike")
                content = images.read(same[0])
                if hashlib.sha256(content).hexdigest() != self.others[each.name].get(same[0].name):
                    raise ImageError(
                        f"expected {same[0].name} for {each.name} to stay as it is during a build, received "
                        "a changed one: build again"
                    )
                others[each.name] = preparation.apply(images.decode(content), each.shape).values
        return others

    def _tell(self, number: int, layers: int, image: InputImage) -> None:
        each = len(self.plan.drawn)
        self.tell(
            Step(
                stage="pictures",
                done=number * each + layers,
                total=len(self.plan.images) * each,
                text=image.name,
            )
        )

    def _draw_layers(
        self, number: int, image: InputImage, maps: Sequence[np.ndarray]
    ) -> tuple[dict[str, LayerResult], list[np.ndarray], list[tuple[Layer, int, np.ndarray]]]:
        """Write the grids and single channels of one image; return the frames of both animations too."""
        drawn, pictures, frames = {}, [], []
        for result, picture in self.pool.map(self._draw_layer, self.plan.tasks(image), maps):
            layer = result.task.layer
            drawn[layer.slug] = result.layer
            if picture is not None:
                pictures.append(picture)
            frames += zip([layer] * len(result.frames), result.task.frames, result.frames, strict=True)
            self._tell(number, len(drawn), image)
        return drawn, pictures, frames

    def _draw_layer(self, task: RenderTask, maps: np.ndarray) -> tuple[RenderResult, np.ndarray | None]:
        """Draw one layer and write its files, which the result then is without; add a frame of its maps."""
        result = layer_pictures.render_layer(task, maps, self.style)
        self.sources.write_all(result.files)
        layer, side = task.layer, self.plan.canvas
        frame = layer_pictures.layer_frame(layer, maps, result.layer.ranges, side) if layer.is_map else None
        return replace(result, files={}), frame

    def _explain(
        self,
        extractor: Extractor,
        image: InputImage,
        others: Mapping[str, np.ndarray],
        prepared: PreparedImage,
        prediction: Prediction,
    ) -> Decision:
        """Have a prediction explained, and write the pictures of that."""
        layers = self.plan.explained
        explanation = extractor.explain(
            prepared.values, others, [layer.index for layer in layers], prediction
        )
        decision, files = overlays.draw_decision(image.slug, prepared.seen, layers, explanation)
        self.sources.write_all(files)
        return decision

    def _write_arrays(self, image: InputImage, maps: Sequence[np.ndarray]) -> Download:
        """Write what the drawn layers made of an image: an array for each by its slug, never pickled."""
        path, content = paths.arrays_file(image.slug), io.BytesIO()
        with np.errstate(over="ignore"):  # what float16 cannot hold becomes infinite, as documented
            slugs = [layer.slug for layer in self.plan.drawn]
            np.savez_compressed(
                content, **{slug: each.astype(self.arrays) for slug, each in zip(slugs, maps, strict=True)}
            )
        self.sources.write(path, content.getvalue())
        return Download(path, content.tell(), self.arrays)

    def _draw_input(self, image: InputImage, prepared: PreparedImage, prediction: Prediction) -> ImageResult:
        """Write the image as given and as the model sees it."""
        folder = paths.image_page(image.slug)
        photo, *size = encode.photo(prepared.original)
        self.sources.write(f"{folder}/original.jpg", photo)
        height, width = prepared.seen.shape[:2]
        factor = -(-SEEN_SIDE // max(height, width))
        self.sources.write(f"{folder}/seen.png", encode.exact(prepared.seen, factor))
        return ShownImage(
            image=image,
            size=prepared.original.shape[1::-1],
            original=Picture(f"{folder}/original.jpg", *size),
            seen=Picture(f"{folder}/seen.png", width * factor, height * factor),
            fed=prepared.values.shape,
            prediction=prediction,
            layers={},
            layers_gif=None,
        )

    def _layers_animation(
        self,
        image: InputImage,
        maps: Sequence[np.ndarray],
        drawn: dict[str, LayerResult],
        pictures: Sequence[np.ndarray],
    ) -> Animation:
        """Write the animation over layers; `pictures` are frames for the planned canvas."""
        layers = self.plan.mapped
        ranges = [drawn[layer.slug].ranges for layer in layers]
        for side in plan.CANVASES[plan.CANVASES.index(self.plan.canvas) :]:
            if side < self.plan.canvas:
                pictures = list(map(layer_pictures.layer_frame, layers, maps, ranges, itertools.repeat(side)))
            frames = layer_pictures.layers_frames(pictures)
            content, kept = encode.gif(frames.indices, self.style.table, frames.milliseconds), layers
            if len(content) <= layer_pictures.GIF_AIM:
                break
        else:
            content, kept = encode.gif_within(
                frames.indices, self.style.table, frames.milliseconds, GIF_LIMIT
            )
        return self._animation(image, "layers", content, frames.indices[0], (len(kept), len(layers)))

    def _channels_animation(
        self, image: InputImage, chosen: Sequence[tuple[Layer, int, np.ndarray]]
    ) -> Animation | None:
        if not chosen:
            return None
        frames = layer_pictures.channels_frames(chosen)
        content, kept = encode.gif_within(frames.indices, self.style.table, frames.milliseconds, GIF_LIMIT)
        total = sum(layer.channels for layer in self.plan.convolutions)
        return self._animation(image, "channels", content, frames.indices[0], (len(kept), total))

    def _animation(
        self, image: InputImage, name: str, content: bytes, still: np.ndarray, shown: tuple[int, int]
    ) -> Animation:
        """Write a GIF and its first frame; `shown` is how many layers or channels it has, and of how many."""
        path = f"{paths.image_page(image.slug)}/{name}"
        animation, files = layer_pictures.animation(path, content, still, self.style.table, shown, name)
        self.sources.write_all(files)
        return animation
