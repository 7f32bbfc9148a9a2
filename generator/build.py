"""The whole way from settings to a website. Read `build` first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator import estimate, images
from generator.analysis import health
from generator.analysis.prediction import check_labels
from generator.core import bounds, paths, plan, resources
from generator.core.errors import OutputError
from generator.core.facts import FileKind
from generator.core.files import resolved
from generator.core.records import (
    BuildReport,
    FailedImage,
    InputImage,
    ModelInfo,
    Progress,
    ReportProgress,
    ShownImage,
)
from generator.core.setting import Affects
from generator.core.settings import Settings, values_affecting
from generator.core.source_date import LATEST, source_date
from generator.executors import Executor, Threads
from generator.inputs import Inputs, find_inputs, mkdocs_config, read_inputs, source_folder, take_stamps
from generator.model.extractor import MODELS, Extractor, Models, Recipe
from generator.opened_model import ModelSource, close_model, extractor_of
from generator.process_image import Context
from generator.process_images import DrawnImages, ImageStore, process_images
from generator.render import browser_data, cards, layer_pictures, palette
from generator.storage import cache, website_folder, writing
from generator.storage.sources import SourceFolder
from generator.website import mkdocs_yml, page, templating
from generator.website.components import attribution, legends, words
from generator.website.components import health as health_views
from generator.website.manifest import manifest
from generator.website.mkdocs import build_website
from generator.website.pages.all_pages import all_pages
from generator.website.site import Site

BUILD, MODEL, HEALTH = "-build", "-model", "-health"  # in the cache; no image's slug begins with a dash


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


def open_model(settings: Settings, digest: str, models: Models = MODELS) -> Extractor:
    """Open the model that the settings name; `digest` is the SHA-256 of its file."""
    return models.open(recipe(settings, digest))


def recipe(settings: Settings, digest: str) -> Recipe:
    """Return how the model that the settings name is opened; `digest` is the SHA-256 of its file."""
    return Recipe(
        path=settings.model,
        digest=digest,
        allow_unsafe=settings.allow_unsafe,
        custom_objects=settings.custom_objects,
        inputs=settings.inputs,
        pre_activation=settings.pre_activation,
        verify=settings.verify,
    )


def build(
    settings: Settings,
    report_progress: ReportProgress = lambda _: None,
    models: Models = MODELS,
    executor: Executor | None = None,
) -> BuildReport:
    """Make the gallery that `settings` describe and say what was done.

    `models` open the model. `executor` has the images drawn: by default one after the other, by threads.
    Raises a `GalleryError` when nothing can be built; a single bad image is reported instead.
    """
    check_output(settings)
    check_project(settings)
    kind = models.kind_of(settings.model)
    images.find_images(settings.images)  # before a lock makes the output's folder
    with writing.locked(source_folder(settings), *([settings.output] if settings.site else [])) as unlocked:
        for folder in unlocked:
            news = f"its file system knows no locks, so nothing keeps a second build away from {folder}"
            report_progress(Progress(stage="check", text=news))
        if settings.site:
            website_folder.recover(settings.output)
        return _build(settings, report_progress, models, kind, executor or Threads())


def _build(
    settings: Settings,
    report_progress: ReportProgress,
    models: Models,
    kind: FileKind,
    executor: Executor,
) -> BuildReport:
    clock = Clock()
    sources = SourceFolder(source_folder(settings))
    # What the user's own modules do is not in any fingerprint.
    memory = cache.Cache(sources.folder(cache.FOLDER), settings.force or bool(settings.custom_objects))
    with clock.stage("check"):
        inputs = read_inputs(settings, sources, kind)
        if report := recall_report(settings, sources, memory, inputs):
            return replace(report, seconds=clock.seconds)
    source = ModelSource(
        recipe=recipe(settings, inputs.model), stamp=inputs.stamps[str(settings.model)], opener=models.open
    )
    try:
        site, drawn = draw(settings, report_progress, source, executor, clock, sources, memory, inputs)
    finally:
        close_model()
    with clock.stage("pages"):
        report_progress(Progress(stage="pages", text="writing the pages"))
        for news in templating.say_renamed(settings.project):
            report_progress(Progress(stage="pages", text=news))
        written = write_pages(settings, sources, site)
        write_scripts(sources, site)
        write_health(sources, memory, site, inputs.tools)
        write_attributions(sources, site)
        sources.write(paths.CARD, cards.gallery_card(site.title, drawn.thumbnails, site.plan.mapped))
        sources.write(
            paths.MANIFEST,
            manifest(site.model, site.plan.layers, site.results, site.pixels, site.health),
        )
        removed = sources.finish()
    if settings.site:
        with clock.stage("website"):
            report_progress(Progress(stage="website", text="building the website"))
            with website_folder.successor(settings.output, sources.published) as target:
                withheld = build_website(mkdocs_config(settings), sources.root, target, resources.assets())
            if withheld:
                report_progress(Progress(stage="website", text=mkdocs_yml.say_withheld(withheld)))
    report = BuildReport(
        sources=sources.root,
        website=settings.output / "index.html" if settings.site else None,
        images=len(site.good),
        layers=len(site.plan.drawn),
        pictures=sources.count(".png", ".gif", ".jpg"),
        pages=written,
        bytes=sources.size,
        written=sources.written,
        removed=removed,
        failed=tuple(result for result in site.results if isinstance(result, FailedImage)),
        unverified=tuple(filter(None, map(words.say_failed, site.good))),
        seconds=clock.seconds,
        kept=drawn.kept,
    )
    same_images = [each.image.digest for each in site.results] == [each.digest for each in inputs.images]
    if same_images and take_stamps(settings, sources.foreign().values()) == inputs.stamps:
        memory.remember(BUILD, inputs.all, report)  # else something was changed, and may be changed back
    memory.finish()
    return report


def draw(
    settings: Settings,
    report_progress: ReportProgress,
    source: ModelSource,
    executor: Executor,
    clock: Clock,
    sources: SourceFolder,
    memory: cache.Cache,
    inputs: Inputs,
) -> tuple[Site, DrawnImages]:
    """Write the pictures of all images; return what pages are made from, and what became of the images."""
    with clock.stage("model"):
        style = layer_pictures.Style(settings.scale, palette.colour_table(settings.colours))
        known = memory.recall(MODEL, model_key(settings, inputs))
        if known is None:
            report_progress(Progress(stage="model", text=f"loading {settings.model.name}"))
        model = report_model(known or extractor_of(source).describe(), settings, report_progress)
        whole = make_plan(settings, report_progress, model, inputs.images)
        check_labels(inputs.labels, model.output_shapes)
        pixels = images.choose_pixels(settings.pixels, model.value_range)
        preparation = images.Preparation(pixels, settings.input_channels, settings.longest_side)
    with clock.stage("pictures"):
        context = Context(
            source=source,
            model=model,
            plan=whole,
            style=style,
            preparation=preparation,
            labels=inputs.labels,
            arrays=settings.arrays,
            explain=settings.explain,
            other_digests=inputs.others,
        )
        store = ImageStore(sources=sources, cache=memory, key=picture_key(whole, model, settings, inputs))
        drawn = process_images(context, store, executor, report_progress)
    memory.remember(MODEL, model_key(settings, inputs), model)
    healths = health.check_up(whole.mapped, [each for each in drawn.results if isinstance(each, ShownImage)])
    site = Site(
        plan=whole,
        model=model,
        results=drawn.results,
        scale=settings.scale,
        colours=settings.colours,
        table=style.table,
        pixels=pixels,
        scaling=images.PIXELS_IN_WORDS[pixels],
        health=healths,
        guide=(source_folder(settings) / "guide.md").is_file(),
    )
    return site, drawn


def recall_report(
    settings: Settings, sources: SourceFolder, memory: cache.Cache, inputs: Inputs
) -> BuildReport | None:
    """Return what the last build reported, if it was made from the same and all its files are there."""
    found = memory.recall(BUILD, inputs.all)
    whole = sources.is_whole() and (website_folder.is_whole_website(settings.output) or not settings.site)
    if found is None or not whole:
        return None
    return replace(found, written=0, removed=0, kept=found.images, unchanged=True)


def picture_key(whole: plan.Plan, model: ModelInfo, settings: Settings, inputs: Inputs) -> str:
    """Return the fingerprint of what the pictures of every image depend on, besides the image."""
    values = values_affecting(settings, Affects.PICTURES)
    return cache.fingerprint(
        inputs.tools, replace(whole, images=()), model, inputs.labels, inputs.others, values
    )


def size_up(
    settings: Settings,
    report_progress: ReportProgress = lambda _: None,
    models: Models = MODELS,
) -> list[str]:
    """Say what a build would write, line by line, without writing anything."""
    check_output(settings)
    models.kind_of(settings.model)
    found, digest = find_inputs(settings.images), images.digest(settings.model)
    model = report_model(open_model(settings, digest, models).describe(), settings, report_progress)
    whole = make_plan(settings, report_progress, model, found)
    return estimate.in_words(whole, settings.arrays, settings.explain)


def make_plan(
    settings: Settings,
    report_progress: ReportProgress,
    model: ModelInfo,
    found: tuple[InputImage, ...],
) -> plan.Plan:
    """Decide what is made, and tell what is left out."""
    layers = plan.plan_layers(model.layers, settings.layers, settings.draw_identity)
    plan.check_drawn(layers)
    whole = plan.Plan(
        images=found,
        layers=layers,
        singles=settings.channels,
        gif_channels_per_layer=settings.gif_channels_per_layer,
        gif_channels=settings.gif_channels,
    )
    whole = estimate.fit(whole, settings.fit, settings.arrays, settings.explain)
    for each in whole.left_out:
        report_progress(Progress(stage="model", text=each))
    return whole


def model_key(settings: Settings, inputs: Inputs) -> str:
    """Return the fingerprint of what is known of a model before an image is shown to it."""
    values = values_affecting(settings, Affects.MODEL)
    return cache.fingerprint(inputs.tools, settings.model.name, inputs.model, inputs.others, values)


def report_model(model: ModelInfo, settings: Settings, report_progress: ReportProgress) -> ModelInfo:
    """Tell what was repaired, left out or not given, and check the channels that are to be fed."""
    for news in (*model.repairs, *words.say_missing(model), *words.say_zeros(model)):
        report_progress(Progress(stage="model", text=news))
    images.check_channels(settings.input_channels, model.input_shape[-1])
    return model


def check_output(settings: Settings) -> None:
    """Raise `OutputError` unless the website may go where it is wanted, with the date that it is given."""
    source_date(LATEST)
    inputs = [settings.model, settings.images, source_folder(settings)]
    inputs += [settings.labels] if isinstance(settings.labels, Path) else []
    website_folder.check_website_folder(settings.output, inputs)
    if settings.project and resolved(settings.output).is_relative_to(resolved(source_folder(settings))):
        raise OutputError(
            f"expected an output folder outside {source_folder(settings).name}, received {settings.output}: "
            "choose another --output"
        )


def check_project(settings: Settings) -> None:
    """Raise `ProjectError` where what the website is made from leads out of the project, or is no file."""
    sources = source_folder(settings)
    bounds.check(settings.project or sources.parent, sources, walked=settings.site)
    if settings.project:
        bounds.check(settings.project, settings.project / "templates")
        if own := mkdocs_yml.custom_dir(mkdocs_config(settings)):
            bounds.check_theme(settings.project, own)


def write_scripts(sources: SourceFolder, site: Site) -> None:
    """Write what the explorer loads besides the maps: the colour maps, and each layer's ranges."""
    scales = {scale: vars(each) for scale, each in legends.SCALES_IN_WORDS.items()}
    sources.write(paths.COLOURS, browser_data.colours_script(site.colours, scales))
    slugs = [result.image.slug for result in site.good]
    for layer in site.plan.mapped:
        statistics = [result.layers[layer.slug].numbers.statistics for result in site.good]
        sources.write(paths.ranges_script(layer.slug), browser_data.ranges_script(slugs, statistics))


def write_health(sources: SourceFolder, memory: cache.Cache, site: Site, tools: str) -> None:
    """Write the charts and their numbers, unless these numbers have been drawn."""
    layers = site.plan.mapped
    healths = [site.health[layer.slug] for layer in layers]
    key = cache.fingerprint(tools, layers, healths)
    found = memory.recall(HEALTH, key)
    if found and sources.keep(found):
        return
    files = health_views.health_files(layers, healths)
    sources.write_all(files)
    memory.remember(HEALTH, key, {path: len(content) for path, content in files.items()})


def write_attributions(sources: SourceFolder, site: Site) -> None:
    """Write the numbers that explain each prediction."""
    for result in site.good:
        if result.attribution and result.attribution.numbers.channels.size:
            path = f"{paths.attribution(result.image.slug)}.csv"
            sources.write(path, attribution.changes_csv(result.attribution.numbers))


def write_pages(settings: Settings, sources: SourceFolder, site: Site) -> int:
    """Write all pages and count them; without a project, the style sheets and scripts that are not there."""
    templates = templating.environment(settings.project)
    written = 0
    for each in all_pages(site):
        sources.write(f"{each.path}.md", page.render(each, templates))
        written += 1
    for path, content in resources.assets().items() if settings.project is None else ():
        if sources.owns(path) or not (sources.root / path).exists():  # the user's own win
            sources.write(path, content)
    return written
