"""The whole way from settings to a website. Read `build` first."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from generator import encode, images, output, pages, plan, render, resources
from generator.data import (
    Activations,
    Animation,
    BuildReport,
    ImageResult,
    InputImage,
    Layer,
    ModelInfo,
    Picture,
    Prediction,
    PreparedImage,
)
from generator.errors import ImageError, SettingsError
from generator.manifest import manifest
from generator.model.load import check_file
from generator.model.predict import check_labels, predict
from generator.raster import evenly_spaced
from generator.settings import Settings
from generator.website import build_website

GIF_AIM = 2_000_000  # bytes: what a README loads without delay
GIF_LIMIT = 5_000_000  # bytes: above this GitHub does not show a README's picture
CANVASES = (704, 664, 600, 532, 464, 400, 334, 266)  # pixels; powers of two and their gaps fit in well
SEEN_SIDE = 256  # pixels: the least longer side of the picture of what the model sees


class Extractor(Protocol):
    """What a build needs of a model."""

    def describe(self) -> ModelInfo:
        """Return what is known of the model and its layers."""

    def extract(self, values: np.ndarray) -> Activations:
        """Return every layer's output for one image, float32 (height, width, channels)."""


@dataclass(frozen=True)
class Step:
    """News of a build: its stage, how much of it is done, and what comes next."""

    stage: str
    done: int
    total: int
    text: str


@dataclass
class Clock:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start


def open_keras(path: Path, digest: str) -> Extractor:
    """Open a model file with Keras, which is imported only here."""
    from generator.model.record import KerasExtractor

    return KerasExtractor(path, digest)


def build(
    settings: Settings,
    tell: Callable[[Step], None] = lambda _: None,
    opener: Callable[[Path, str], Extractor] = open_keras,
) -> BuildReport:
    """Make the gallery that `settings` describe and say what was done.

    Raises a `GalleryError` when nothing can be built; a single bad image is reported instead.
    """
    clock = Clock()
    with clock.stage("model"):
        inputs = (settings.model, settings.images, source_folder(settings))
        output.check_website_folder(settings.output, inputs)
        style = render.Style(settings.scale, encode.colour_table(settings.colours))
        check_file(settings.model)
        found = find_inputs(settings.images)
        tell(Step("model", 0, 1, f"loading {settings.model.name}"))
        extractor = opener(settings.model, images.digest(settings.model))
        model = extractor.describe()
        for repair in model.repairs:
            tell(Step("model", 0, 1, repair))
        labels = read_labels(settings)
        check_labels(labels, model.output_shapes)
        layers = plan.plan_layers(model.layers, settings.layers, settings.draw_identity)
        whole = plan.Plan(
            found, layers, settings.channels, settings.gif_channels_per_layer, settings.gif_channels
        )
        pixels = images.choose_pixels(settings.pixels, model.value_range)
    sources = output.SourceFolder(source_folder(settings))
    with (
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        tempfile.TemporaryDirectory(prefix="activation-gallery-") as spill,
    ):
        painter = Painter(whole, style, pool, sources, Path(spill), tell)
        with clock.stage("pictures"):
            results = painter.images(extractor, model, pixels, labels)
        with clock.stage("animations"):
            results = painter.channel_animations(results)
    with clock.stage("pages"):
        tell(Step("pages", 0, 1, "writing the pages"))
        words = images.PIXELS_IN_WORDS[pixels]
        site = pages.Site(whole, model, results, settings.scale, settings.colours, style.table, words)
        written = write_pages(settings, sources, site)
        sources.write(plan.MANIFEST, manifest(model, layers, results, pixels))
        removed = sources.finish()
    if settings.site:
        with clock.stage("website"):
            tell(Step("website", 0, 1, "building the website"))
            build_website(mkdocs_config(settings), sources.root, output.staging_folder(settings.output))
            output.swap(settings.output)
    return BuildReport(
        sources=sources.root,
        website=settings.output / "index.html" if settings.site else None,
        images=len(site.good),
        layers=len(whole.drawn),
        pictures=sources.count(".png", ".gif", ".jpg"),
        pages=written,
        bytes=sources.bytes,
        written=sources.written,
        removed=removed,
        failed=tuple(result.image for result in results if result.image.error),
        seconds=clock.seconds,
    )


def find_inputs(folder: Path) -> tuple[InputImage, ...]:
    """Return the test images in `folder` in natural order, with their slugs and digests."""
    paths = images.find_images(folder)
    slugs = plan.image_slugs(path.name for path in paths)
    return tuple(
        InputImage(path.name, slug, path, images.digest(path))
        for path, slug in zip(paths, slugs, strict=True)
    )


def read_labels(settings: Settings) -> tuple[str, ...]:
    """Return the class names: from the settings, else from `<model>.labels.txt`, else none."""
    if isinstance(settings.labels, tuple):
        return settings.labels
    path = settings.labels or settings.model.with_suffix(".labels.txt")
    if settings.labels is None and not path.is_file():
        return ()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"expected a text file of labels, received {path.name}: {error}") from None
    return tuple(line.strip() for line in lines if line.strip())


def source_folder(settings: Settings) -> Path:
    """Return where the Markdown goes: the project's site_src, else a folder beside the output."""
    if settings.project:
        return settings.project / "site_src"
    return settings.output.parent / f"{settings.output.name}_src"


def mkdocs_config(settings: Settings) -> Path:
    """Return the project's mkdocs.yml, or the packaged one where it has none."""
    own = settings.project / "mkdocs.yml" if settings.project else None
    return own if own and own.is_file() else resources.MKDOCS_CONFIG


def write_pages(settings: Settings, sources: output.SourceFolder, site: pages.Site) -> int:
    """Write all pages, and the style sheets and scripts that the project does not have; count the pages."""
    own = [settings.project / "templates"] if settings.project else []
    templates = pages.environment([*own, resources.TEMPLATES])
    written = 0
    for page in pages.all_pages(site):
        sources.write(f"{page.path}.md", pages.render(page, templates))
        written += 1
    for path, content in resources.assets().items():
        if sources.owns(path) or not (sources.root / path).exists():
            sources.write(path, content)
    return written


@dataclass
class Painter:
    """Draws images one after the other and writes their pictures.

    `side` is the canvas of the animations over layers: the largest at which the first image's GIF stays
    within `GIF_AIM`, then the same for all.
    """

    plan: plan.Plan
    style: render.Style
    pool: Executor
    sources: output.SourceFolder
    spill: Path
    tell: Callable[[Step], None]
    side: int | None = None

    def images(
        self, extractor: Extractor, model: ModelInfo, pixels: str, labels: Sequence[str]
    ) -> tuple[ImageResult, ...]:
        """Draw every image. Raises `ImageError` when none of them can be read."""
        results = []
        total = len(self.plan.images) * len(self.plan.drawn)
        for number, image in enumerate(self.plan.images):
            self.tell(Step("pictures", number * len(self.plan.drawn), total, image.name))
            try:
                prepared = images.prepare(images.decode(image.path), model.input_shape, pixels)
            except ImageError as error:
                results.append(ImageResult(replace(image, error=str(error))))
                continue
            activations = extractor.extract(prepared.values)
            prediction = predict(activations.outputs, model.final_activation, labels)
            results.append(self._image(image, prepared, activations, prediction))
        if all(result.image.error for result in results):
            names = "; ".join(f"{each.image.name}: {each.image.error}" for each in results[:3])
            raise ImageError(f"expected at least one readable image, received none ({names})")
        return tuple(results)

    def _image(
        self, image: InputImage, prepared: PreparedImage, activations: Activations, prediction: Prediction
    ) -> ImageResult:
        tasks = self.plan.tasks(image)
        maps = [activations.maps[task.layer.index] for task in tasks]
        drawn, frames = {}, {}
        finished = self.pool.map(render.render_layer, tasks, maps, [self.style] * len(tasks))
        for number, result in enumerate(finished):
            for path, content in result.files.items():
                self.sources.write(path, content)
            drawn[result.task.layer.slug] = result.layer
            frames[result.task.layer.slug] = result.frames
            step = self.plan.images.index(image) * len(tasks) + number + 1
            self.tell(Step("pictures", step, len(self.plan.images) * len(tasks), image.name))
        np.savez(self.spill / f"{image.slug}.npz", **frames)
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
            prediction=prediction,
            layers=drawn,
            layers_gif=self._layers_animation(image, maps, drawn),
        )

    def _layers_animation(self, image: InputImage, maps: Sequence[np.ndarray], drawn: dict) -> Animation:
        layers = self.plan.drawn
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
        left_out = len(layers) - len(frames.indices)
        note = f"{left_out} of {len(layers)} layers left out to stay small" if left_out else None
        return self._animation(image, "layers", content, frames, note)

    def channel_animations(self, results: tuple[ImageResult, ...]) -> tuple[ImageResult, ...]:
        """Add the animations over channels: as many channels as fit, the same for every image."""
        good = [result.image for result in results if not result.image.error]
        if not self.plan.convolutions:
            return results
        self.tell(Step("animations", 0, 1, "animating channels"))
        most = self.plan.gif_channels
        for some in (good[:1], good):  # what fits for the first mostly fits for all, so try that first
            made, most = self._channels_that_fit(some, most)
        return tuple(replace(result, channels_gif=made.get(result.image.slug)) for result in results)

    def _channels_that_fit(self, inputs: list[InputImage], most: int) -> tuple[dict[str, Animation], int]:
        """Animate at most `most` channels of each image, fewer where the largest GIF is too big."""
        while True:
            chosen = self.plan.animated_channels(most)
            made = dict(self.pool.map(self._channels_animation, inputs, [chosen] * len(inputs)))
            largest = max(animation.bytes for animation in made.values())
            wanted = GIF_AIM if len(chosen) > len(self.plan.convolutions) else GIF_LIMIT
            if largest <= wanted or len(chosen) == 1:
                return made, most
            most = max(1, min(len(chosen) - 1, int(len(chosen) * GIF_AIM / largest)))

    def _channels_animation(
        self, image: InputImage, chosen: Sequence[tuple[Layer, int]]
    ) -> tuple[str, Animation]:
        with np.load(self.spill / f"{image.slug}.npz") as stored:
            maps = {slug: stored[slug] for slug in {layer.slug for layer, _ in chosen}}
        frames = render.channels_frames(
            [(layer, self.plan.frames(layer)[at], maps[layer.slug][at]) for layer, at in chosen]
        )
        content = encode.gif(frames.indices, self.style.table, frames.milliseconds)
        total = sum(layer.channels for layer in self.plan.convolutions)
        left_out = total - len(chosen)
        note = f"{left_out:,} of {total:,} channels left out to stay small" if left_out else None
        return image.slug, self._animation(image, "channels", content, frames, note)

    def _animation(
        self, image: InputImage, name: str, content: bytes, frames: render.Frames, left_out: str | None
    ) -> Animation:
        """Write the GIF and its first frame as a still."""
        folder = plan.image_page(image.slug)
        height, width = frames.indices.shape[1:]
        self.sources.write(f"{folder}/{name}.gif", content)
        self.sources.write(f"{folder}/{name}.png", encode.png(frames.indices[0], self.style.table))
        return Animation(
            Picture(f"{folder}/{name}.gif", width, height),
            Picture(f"{folder}/{name}.png", width, height),
            len(content),
            len(frames.indices),
            left_out,
        )
