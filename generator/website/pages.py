"""The pages: what a template may use, and how a page becomes front matter and HTML.

MkDocs puts front-matter titles and descriptions into every page as they are, so they are escaped here.
"""

import html
import os
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import yaml

from generator.core import bounds, paths, plan
from generator.core.errors import WebsiteError
from generator.core.formatting import count, one_line, shape_in_words
from generator.core.records import FailedImage, ImageResult, Layer, ShownImage
from generator.core.resources import TEMPLATES
from generator.render.raster import picture_factor
from generator.website import attribution_report, components, health_report, list_pages

COLUMNS = 4  # images side by side in one table
SEARCHED = 1_000  # pages of single layers of images; a browser cannot search many more
NEARBY = 4  # images before and after that a page links to, so that pages do not grow with the gallery
GENERATED = "activation-gallery"  # in the front matter of every page of ours
FAMILIES_IN_WORDS = {
    "convolution": "A convolution looks for small learned patterns; a map is high where its pattern fits.",
    "pooling": "Pooling keeps one value of each small neighbourhood, so the maps shrink.",
    "normalization": "Normalisation brings every channel to a common range; shapes stay the same.",
    "activation": "An activation decides how much of a value passes; a ReLU lets none below zero.",
    "merging": "Here several stacks of maps become one.",
    "resizing": "Here maps change their size or place, not their content.",
    "other": "",
}
GLOBAL_POOLING_IN_WORDS = "Global pooling makes one number of each whole map: its mean or its largest value."


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: where it lies, its template, and what every template uses."""

    path: str
    template: str
    title: str
    description: str
    crumbs: tuple[components.Link, ...] = ()
    previous: components.Link | None = None
    following: components.Link | None = None
    boost: int = 1  # weight in search; with 0 it is not found there
    card: str = paths.CARD  # the picture shown where others link to the page
    content: dict[str, Any]


def all_pages(site: components.Site) -> Iterator[Page]:
    """Yield every page of the website."""
    for part in list_pages.split(paths.INDEX, site.results, plan.PER_PAGE):
        yield _index(site, part)
    for part in list_pages.split(paths.IMAGES, site.results, plan.PER_PAGE):
        yield _images(site, part)
    yield _layers(site)
    for part in list_pages.split(paths.COMPARE, site.good, plan.COMPARED):
        yield _compare(site, part)
    yield _model(site)
    for position, result in enumerate(site.results):
        yield _image(site, position, result)
    for layer in site.plan.drawn:
        for part in list_pages.split(paths.layer_page(layer.slug), site.good, plan.PER_PAGE):
            yield _layer(site, layer, part)
    boost = int(len(site.plan.mapped) * len(site.good) <= SEARCHED)
    for layer in site.plan.mapped:
        for result in site.good:
            yield _image_layer(site, layer, result, boost)


def environment(project: Path | None) -> jinja2.Environment:
    """Return the Jinja environment: a missing value is an error, text is escaped and stays on its line.

    Templates in the folder `project` win over those of the package. Raises `ProjectError` where they lead out
    of it.
    """
    if project:
        bounds.check(project, project / "templates")
    own = [project / "templates"] if project else []
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*own, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fill(templates: jinja2.Environment, name: str, /, **values: Any) -> str:
    """Fill in a template. Raises `WebsiteError` where the user has some, and one is broken."""
    try:
        return templates.get_template(name).render(**values)
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        *own, _ = templates.loader.searchpath
        if not any(map(os.path.isdir, own)):
            raise  # the mistake is ours
        steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.endswith(".j2")]
        place = f"{Path(steps[-1].filename).name}, line {steps[-1].lineno}" if steps else name
        raise WebsiteError(
            f"expected templates that can be filled in, received in {place}: {error}: correct it"
        ) from None


def render(page: Page, templates: jinja2.Environment) -> bytes:
    """Return a page's Markdown source: YAML front matter, then one block of HTML."""
    front = {
        "title": html.escape(one_line(page.title)),
        "description": html.escape(one_line(page.description)),
        "hide": ["navigation", "toc"],
        "search": {"boost": page.boost} if page.boost else {"exclude": True},
        "image": page.card,
        "generated_by": GENERATED,
    }
    body = fill(templates, page.template, page=page, **page.content)
    # Markdown ends a block of HTML nowhere but at its closing tag; blank lines only cost bytes.
    body = re.sub(r"\n\s*\n+", "\n", body.strip())
    matter = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{matter}---\n\n{body}\n".encode()


def _index(site: components.Site, part: list_pages.Part) -> Page:
    model, path = site.model, part.path
    columns = [components.describe_image(path, result) for result in part.results]
    tables = [columns[start : start + COLUMNS] for start in range(0, len(columns), COLUMNS)]
    facts = (
        f"{shape_in_words(model.input_shape)} input, {count(len(site.plan.layers), 'layer')}, "
        f"{len(site.plan.drawn):,} drawn, {count(model.parameters, 'parameter')}"
    )
    guide = components.link_to(path, "guide", "Guide") if site.guide else None
    return Page(
        path=path,
        template="index.html.j2",
        title=part.entitle(site.title),
        description=f"What each layer of {model.name} makes of {count(len(site.results), 'image')}.",
        crumbs=part.crumbs(title="Home"),
        boost=int(part.is_first),
        content={
            "part": part,
            "model": one_line(model.name),
            "facts": facts,
            "left_out": [f"{each[0].upper()}{each[1:]}." for each in site.plan.left_out],
            "tables": tables,
            "legend": components.explain_colours(site, None, ()),
            "guide": guide,
            "sections": (
                *filter(None, (guide,)),
                components.link_to(path, paths.IMAGES, "Images"),
                components.link_to(path, paths.LAYERS, "Layers"),
                components.link_to(path, paths.COMPARE, "Compare"),
                components.link_to(path, paths.MODEL, "Model"),
            ),
        },
    )


def _images(site: components.Site, part: list_pages.Part) -> Page:
    path = part.path
    return Page(
        path=path,
        template="images.html.j2",
        title="Images" if part.is_first else part.say(part.number),
        description=f"{count(len(site.results), 'test image')} and what the model says of them.",
        crumbs=part.crumbs(components.link_to(path, paths.INDEX, "Home"), title="Images"),
        boost=int(part.is_first),
        content={
            "part": part,
            "columns": [components.describe_image(path, result) for result in part.results],
        },
    )


def _image(site: components.Site, position: int, result: ImageResult) -> Page:
    image = result.image
    path = paths.image_page(image.slug)
    listed = paths.later_page(paths.IMAGES, position // plan.PER_PAGE + 1)
    previous, following = _around(
        site.results,
        position,
        lambda other: components.link_to(path, paths.image_page(other.image.slug), other.image.name),
    )
    content: dict[str, Any] = {"error": result.error if isinstance(result, FailedImage) else None}
    if isinstance(result, ShownImage):
        width, height = result.size
        content |= {
            "prediction": result.prediction,
            "failed": components.say_failed(result),
            "original": components.show(
                path, result.original, f"{image.name} as given", f"As given: {width}×{height}"
            ),
            "seen": components.show(
                path,
                result.seen,
                f"{image.name} as the model sees it",
                f"As the model sees it: {shape_in_words(result.fed)}, pixel values {site.scaling}",
            ),
            "players": components.list_players(path, result),
            "decides": attribution_report.report_decision(path, site.plan, result),
            "arrays": result.arrays and components.offer_arrays(path, site.plan.drawn[0], result.arrays),
            "rows": [
                components.describe_layer(site, path, layer, (result,), own=True)
                for layer in site.plan.layers
            ],
        }
    return Page(
        path=path,
        template="image.html.j2",
        title=image.name,
        description=f"What each layer of {site.model.name} makes of {image.name}.",
        boost=4,  # who types its name looks for this page, not for each of its layers
        card=paths.CARD if isinstance(result, FailedImage) else paths.image_card(image.slug),
        crumbs=(
            components.link_to(path, paths.INDEX, "Home"),
            components.link_to(path, listed, "Images"),
        ),
        previous=previous,
        following=following,
        content=content,
    )


def _layers(site: components.Site) -> Page:
    return Page(
        path=paths.LAYERS,
        template="layers.html.j2",
        title="Layers",
        description=f"{count(len(site.plan.layers), 'layer')} of {site.model.name} in order of execution.",
        crumbs=(components.link_to(paths.LAYERS, paths.INDEX, "Home"),),
        content={
            "rows": [components.describe_layer(site, paths.LAYERS, layer, ()) for layer in site.plan.layers]
        },
    )


def _around(
    things: Sequence[Any], place: int, link: Callable[[Any], components.Link]
) -> tuple[components.Link | None, components.Link | None]:
    """Return links to what comes before and after number `place`, `None` at the ends."""
    return tuple(link(things[at]) if 0 <= at < len(things) else None for at in (place - 1, place + 1))


def _neighbours(
    page: str, layers: Sequence[Layer], layer: Layer, target: Callable[[Layer], str]
) -> tuple[components.Link | None, components.Link | None]:
    """Return links to the pages, told by `target`, of the layers before and after `layer`."""

    def link(layer: Layer) -> components.Link:
        found = components.link_to(page, target(layer), f"{layer.index} {layer.name}")
        return replace(found, maps=layer.is_map)

    return _around(layers, layers.index(layer), link)


def _family(layer: Layer) -> str:
    whole = layer.family == "pooling" and layer.kind.startswith("Global")
    return GLOBAL_POOLING_IN_WORDS if whole else FAMILIES_IN_WORDS[layer.family]


def _layer(site: components.Site, layer: Layer, part: list_pages.Part) -> Page:
    path, title = part.path, f"{layer.index} {layer.name}"
    previous, following = _neighbours(
        path, site.plan.drawn, layer, lambda other: site.layer_page(other, part.results[0])
    )
    drawn = [result.layers[layer.slug] for result in part.results]
    health = None
    if layer.is_map and part.is_first:
        health = health_report.report_layer(path, layer, site.health[layer.slug], site.good)
    return Page(
        path=path,
        template="layer.html.j2",
        title=part.entitle(title),
        description=(
            f"{layer.name} ({components.kind_of(layer)}, {components.shape_of(layer)}) for every test image."
        ),
        boost=2 if part.is_first else 0,
        crumbs=part.crumbs(
            components.link_to(path, paths.INDEX, "Home"),
            components.link_to(path, paths.LAYERS, "Layers"),
            title=title,
        ),
        previous=previous,
        following=following,
        content={
            "part": part,
            "row": components.describe_layer(site, path, layer, part.results),
            "family": _family(layer),
            "sees": components.say_receptive(layer),
            "legend": components.explain_colours(site, layer, drawn),
            "enlarged": drawn[0].enlarged,
            "failed": [
                each for each in (components.say_failed(result, layer) for result in part.results) if each
            ],
            "numbers": [components.summarize_image(path, result, layer) for result in part.results],
            "health": health,
            "all_health": None
            if part.is_first or not layer.is_map
            else components.link_to(path, part.page, "Health over all images"),
        },
    )


def _image_layer(site: components.Site, layer: Layer, result: ImageResult, boost: int) -> Page:
    path = paths.image_layer_page(result.image.slug, layer.slug)
    drawn = result.layers[layer.slug]
    previous, following = _neighbours(
        path,
        site.plan.mapped,
        layer,
        lambda other: paths.image_layer_page(result.image.slug, other.slug),
    )
    place = site.places[result.image.slug]
    others = [
        components.link_to(path, paths.image_layer_page(other.image.slug, layer.slug), other.image.name)
        for other in site.good[max(0, place - NEARBY) : place + NEARBY + 1]
        if other is not result
    ]
    constant = [str(channel) for channel in np.flatnonzero(components.constant_channels(layer, drawn))]
    return Page(
        path=path,
        template="image_layer.html.j2",
        title=f"{layer.index} {layer.name} · {result.image.name}",
        description=f"What {layer.name} ({components.kind_of(layer)}) makes of {result.image.name}.",
        card=paths.image_card(result.image.slug),
        boost=boost,
        crumbs=(
            components.link_to(path, paths.INDEX, "Home"),
            components.link_to(path, paths.IMAGES, "Images"),
            components.link_to(path, paths.image_page(result.image.slug), result.image.name),
        ),
        previous=previous,
        following=following,
        content={
            "layer": layer,
            "kind": components.kind_of(layer),
            "family": _family(layer),
            "sees": components.say_receptive(layer),
            "shape": components.shape_of(layer),
            "layer_link": components.link_to(path, site.layer_page(layer, result), layer.name),
            "others": others,
            "grid": components.show_grid(site, path, result, layer),
            "seen": components.show(
                path, result.seen, f"{result.image.name} as the model sees it", "The input"
            ),
            "enlarged": drawn.enlarged,
            "legend": components.explain_colours(site, layer, [drawn]),
            "display": components.whole_width(drawn.grid),
            "channels": components.show_channels(path, result, layer),
            "count": count(layer.channels, "channel"),
            "map_size": shape_in_words(drawn.numbers.shape[:2]),
            "channel_factor": picture_factor(*drawn.numbers.shape[:2]),
            "failed": components.say_failed(result, layer),
            "constant": constant,
            "table": components.list_numbers(layer, drawn),
        },
    )


def _compare(site: components.Site, part: list_pages.Part) -> Page:
    path = part.path
    return Page(
        path=path,
        template="compare.html.j2",
        title=part.entitle("Compare"),
        description="Every layer for every test image in one table.",
        crumbs=part.crumbs(components.link_to(path, paths.INDEX, "Home"), title="Compare"),
        boost=int(part.is_first),
        content={
            "part": part,
            "legend": components.explain_colours(site, None, ()),
            "columns": [components.describe_image(path, result) for result in part.results],
            "rows": [
                components.describe_layer(site, path, layer, part.results, small=True)
                for layer in site.plan.mapped
            ],
        },
    )


def _model(site: components.Site) -> Page:
    path, model, mapped = paths.MODEL, site.model, site.plan.mapped
    facts = (
        ("File", model.file),
        ("SHA-256", model.digest),
        ("Input", shape_in_words(model.input_shape) + " (height, width, channels)"),
        ("Pixel values", site.scaling),
        ("Output", " and ".join(map(shape_in_words, model.output_shapes)) or "left out"),
        ("Parameters", f"{model.parameters:,}"),
        ("Colours", f"{site.colours}, scaled by {site.scale}"),
        *(
            [(f"Input {each.name}", f"{shape_in_words(each.shape)}: {each.fed}") for each in model.inputs]
            if len(model.inputs) > 1
            else []
        ),
        *[("Repaired", each) for each in model.repairs],
        *[("Missing", each.removeprefix("not drawn: ")) for each in components.say_missing(model)],
        *[("Left out", each) for each in site.plan.left_out],
        ("Verified", components.say_verified(site)),
        ("Made with", ", ".join(f"{name} {version}" for name, version in model.versions.items())),
    )
    return Page(
        path=path,
        template="model.html.j2",
        title="Model",
        description=f"The layers, shapes and parameters of {model.name}.",
        crumbs=(components.link_to(path, paths.INDEX, "Home"),),
        content={
            "name": one_line(model.name),
            "facts": [(name, one_line(str(value))) for name, value in facts],
            "health": health_report.report_model(
                path, mapped, [site.health[layer.slug] for layer in mapped], site.good
            ),
            "rows": [components.describe_layer(site, path, layer, ()) for layer in site.plan.layers],
        },
    )
