"""The whole way from settings to a website. Read `build` first."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from generator import (
    decisions,
    encode,
    estimate,
    explorer,
    health,
    images,
    output,
    pages,
    parts,
    plan,
    render,
    report,
    resources,
)
from generator.data import BuildReport, InputImage, ModelInfo, Step
from generator.errors import OutputError, SettingsError
from generator.manifest import manifest
from generator.model.load import check_file
from generator.model.predict import check_labels
from generator.paint import Extractor, Painter
from generator.settings import Settings
from generator.website import build_website


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


def open_keras(settings: Settings, digest: str) -> Extractor:
    """Open the model file with Keras, which is imported only here."""
    from generator.model.extract import KerasExtractor
    from generator.model.load import register_custom_objects

    register_custom_objects(settings.custom_objects)
    return KerasExtractor(
        settings.model,
        digest,
        allow_unsafe=settings.allow_unsafe,
        inputs=settings.inputs,
        pre_activation=settings.pre_activation,
        verify=settings.verify,
    )


def build(
    settings: Settings,
    tell: Callable[[Step], None] = lambda _: None,
    opener: Callable[[Settings, str], Extractor] = open_keras,
) -> BuildReport:
    """Make the gallery that `settings` describe and say what was done.

    Raises a `GalleryError` when nothing can be built; a single bad image is reported instead.
    """
    check_output(settings)
    check_file(settings.model)
    images.find_images(settings.images)  # before a lock makes the output's folder
    output.recover(settings.output)
    with output.locked(source_folder(settings), *([settings.output] if settings.site else [])):
        return _build(settings, tell, opener)


def _build(
    settings: Settings, tell: Callable[[Step], None], opener: Callable[[Settings, str], Extractor]
) -> BuildReport:
    clock = Clock()
    with clock.stage("model"):
        style = render.Style(settings.scale, encode.colour_table(settings.colours))
        extractor, model, whole = make_plan(settings, tell, opener)
        labels = read_labels(settings)
        check_labels(labels, model.output_shapes)
        pixels = images.choose_pixels(settings.pixels, model.value_range)
        preparation = images.Preparation(pixels, settings.input_channels, settings.longest_side)
    sources = output.SourceFolder(source_folder(settings))
    with (
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        tempfile.TemporaryDirectory(prefix="activation-gallery-") as spill,
    ):
        painter = Painter(
            whole, style, preparation, pool, sources, Path(spill), tell, settings.arrays, settings.explain
        )
        with clock.stage("pictures"):
            results = painter.draw(extractor, model, labels)
        with clock.stage("animations"):
            results = painter.channel_animations(results)
    with clock.stage("pages"):
        tell(Step("pages", 0, 1, "writing the pages"))
        words = images.PIXELS_IN_WORDS[pixels]
        healths = health.check_up(whole.mapped, [each.layers for each in results if each.layers])
        site = parts.Site(
            whole, model, results, settings.scale, settings.colours, style.table, words, healths
        )
        written = write_pages(settings, sources, site)
        write_scripts(sources, site)
        write_health(sources, site)
        write_decisions(sources, site)
        sources.write(plan.MANIFEST, manifest(model, whole.layers, results, pixels, healths))
        removed = sources.finish()
    if settings.site:
        with clock.stage("website"):
            tell(Step("website", 0, 1, "building the website"))
            staging = output.staging_folder(settings.output)
            build_website(mkdocs_config(settings), sources.root, staging, resources.assets())
            output.sign_website(staging)
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
        unverified=tuple(filter(None, map(parts.say_failed, site.good))),
        seconds=clock.seconds,
    )


def size_up(
    settings: Settings,
    tell: Callable[[Step], None] = lambda _: None,
    opener: Callable[[Settings, str], Extractor] = open_keras,
) -> list[str]:
    """Say what a build would write, line by line, without writing anything."""
    check_output(settings)
    check_file(settings.model)
    _, _, whole = make_plan(settings, tell, opener)
    return estimate.in_words(estimate.estimate(whole), whole)


def make_plan(
    settings: Settings, tell: Callable[[Step], None], opener: Callable[[Settings, str], Extractor]
) -> tuple[Extractor, ModelInfo, plan.Plan]:
    """Open the model, find the images and decide what is made, and tell what is left out."""
    found = find_inputs(settings.images)
    extractor, model = open_model(settings, tell, opener)
    layers = plan.plan_layers(model.layers, settings.layers, settings.draw_identity)
    whole = plan.Plan(
        found, layers, settings.channels, settings.gif_channels_per_layer, settings.gif_channels
    )
    if settings.fit is not None:
        whole = estimate.fit(whole, settings.fit)
        for each in whole.left_out:
            tell(Step("model", 0, 1, each))
    return extractor, model, whole


def open_model(
    settings: Settings, tell: Callable[[Step], None], opener: Callable[[Settings, str], Extractor]
) -> tuple[Extractor, ModelInfo]:
    """Open and describe the model, and tell what was repaired, left out or not given."""
    tell(Step("model", 0, 1, f"loading {settings.model.name}"))
    extractor = opener(settings, images.digest(settings.model))
    model = extractor.describe()
    for news in (*model.repairs, *parts.say_missing(model), *parts.say_zeros(model)):
        tell(Step("model", 0, 1, news))
    images.check_channels(settings.input_channels, model.input_shape[-1])
    return extractor, model


def check_output(settings: Settings) -> None:
    """Raise `OutputError` unless the website may go where it is wanted."""
    inputs = [settings.model, settings.images, source_folder(settings)]
    inputs += [settings.labels] if isinstance(settings.labels, Path) else []
    output.check_website_folder(settings.output, inputs)
    if settings.project and settings.output.resolve().is_relative_to(source_folder(settings).resolve()):
        raise OutputError(
            f"expected an output folder outside {source_folder(settings).name}, received {settings.output}: "
            "choose another --output"
        )


def find_inputs(folder: Path) -> tuple[InputImage, ...]:
    """Return the test images in `folder` in natural order, with their slugs and digests."""
    paths = images.find_images(folder)
    slugs = plan.image_slugs(path.name for path in paths)
    found = []
    for path, slug in zip(paths, slugs, strict=True):
        try:
            found.append(InputImage(path.name, slug, path, images.digest(path)))
        except OSError as error:
            found.append(InputImage(path.name, slug, path, "", f"expected a readable file: {error.strerror}"))
    return tuple(found)


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


def write_scripts(sources: output.SourceFolder, site: parts.Site) -> None:
    """Write what the explorer loads besides the maps: the colour maps, and each layer's ranges."""
    words = {scale: vars(each) for scale, each in parts.SCALES_IN_WORDS.items()}
    sources.write(plan.COLOURS, explorer.colours_script(site.colours, words))
    slugs = [result.image.slug for result in site.good]
    for layer in site.plan.mapped:
        statistics = [result.layers[layer.slug].statistics for result in site.good]
        sources.write(plan.ranges_script(layer.slug), explorer.ranges_script(slugs, statistics))


def write_health(sources: output.SourceFolder, site: parts.Site) -> None:
    """Write the charts and their numbers."""
    layers = site.plan.mapped
    files = report.health_files(layers, [site.health[layer.slug] for layer in layers])
    for path, content in files.items():
        sources.write(path, content)


def write_decisions(sources: output.SourceFolder, site: parts.Site) -> None:
    """Write the numbers that explain each prediction."""
    for result in site.good:
        if result.decision and result.decision.explanation.channels.size:
            path = f"{plan.decision(result.image.slug)}.csv"
            sources.write(path, decisions.changes_csv(result.decision.explanation))


def write_pages(settings: Settings, sources: output.SourceFolder, site: parts.Site) -> int:
    """Write all pages and count them; without a project, the style sheets and scripts as well."""
    own = [settings.project / "templates"] if settings.project else []
    templates = pages.environment([*own, resources.TEMPLATES])
    written = 0
    for page in pages.all_pages(site):
        sources.write(f"{page.path}.md", pages.render(page, templates))
        written += 1
    for path, content in resources.assets().items() if settings.project is None else ():
        sources.write(path, content)
    return written
