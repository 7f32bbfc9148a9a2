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

from generator import bounds, decisions, paging, parts, plan, report
from generator.data import ImageResult, Layer
from generator.errors import WebsiteError
from generator.raster import picture_factor
from generator.resources import TEMPLATES
from generator.text import count, one_line, shape_in_words

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
    crumbs: tuple[parts.Link, ...] = ()
    previous: parts.Link | None = None
    following: parts.Link | None = None
    boost: int = 1  # weight in search; with 0 it is not found there
    card: str = plan.CARD  # the picture shown where others link to the page
    content: dict[str, Any]


def all_pages(site: parts.Site) -> Iterator[Page]:
    """Yield every page of the website."""
    for part in paging.split(plan.INDEX, site.results, plan.PER_PAGE):
        yield _index(site, part)
    for part in paging.split(plan.IMAGES, site.results, plan.PER_PAGE):
        yield _images(site, part)
    yield _layers(site)
    for part in paging.split(plan.COMPARE, site.good, plan.COMPARED):
        yield _compare(site, part)
    yield _model(site)
    for position, result in enumerate(site.results):
        yield _image(site, position, result)
    for layer in site.plan.drawn:
        for part in paging.split(plan.layer_page(layer.slug), site.good, plan.PER_PAGE):
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


def _index(site: parts.Site, part: paging.Part) -> Page:
    model, path = site.model, part.path
    columns = [parts.describe_image(path, result) for result in part.results]
    tables = [columns[start : start + COLUMNS] for start in range(0, len(columns), COLUMNS)]
    facts = (
        f"{shape_in_words(model.input_shape)} input, {count(len(site.plan.layers), 'layer')}, "
        f"{len(site.plan.drawn):,} drawn, {count(model.parameters, 'parameter')}"
    )
    guide = parts.link_to(path, "guide", "Guide") if site.guide else None
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
            "legend": parts.explain_colours(site, None, ()),
            "guide": guide,
            "sections": (
                *filter(None, (guide,)),
                parts.link_to(path, plan.IMAGES, "Images"),
                parts.link_to(path, plan.LAYERS, "Layers"),
                parts.link_to(path, plan.COMPARE, "Compare"),
                parts.link_to(path, plan.MODEL, "Model"),
            ),
        },
    )


def _images(site: parts.Site, part: paging.Part) -> Page:
    path = part.path
    return Page(
        path=path,
        template="images.html.j2",
        title="Images" if part.is_first else part.say(part.number),
        description=f"{count(len(site.results), 'test image')} and what the model says of them.",
        crumbs=part.crumbs(parts.link_to(path, plan.INDEX, "Home"), title="Images"),
        boost=int(part.is_first),
        content={
            "part": part,
            "columns": [parts.describe_image(path, result) for result in part.results],
        },
    )


def _image(site: parts.Site, position: int, result: ImageResult) -> Page:
    image = result.image
    path = plan.image_page(image.slug)
    listed = plan.later_page(plan.IMAGES, position // plan.PER_PAGE + 1)
    previous, following = _around(
        site.results,
        position,
        lambda other: parts.link_to(path, plan.image_page(other.image.slug), other.image.name),
    )
    content: dict[str, Any] = {"error": image.error}
    if not image.error:
        width, height = result.size
        content |= {
            "prediction": result.prediction,
            "failed": parts.say_failed(result),
            "original": parts.show(
                path, result.original, f"{image.name} as given", f"As given: {width}×{height}"
            ),
            "seen": parts.show(
                path,
                result.seen,
                f"{image.name} as the model sees it",
                f"As the model sees it: {shape_in_words(result.fed)}, pixel values {site.scaling}",
            ),
            "players": parts.list_players(path, result),
            "decides": decisions.report_decision(path, site.plan, result),
            "arrays": result.arrays and parts.offer_arrays(path, site.plan.drawn[0], result.arrays),
            "rows": [
                parts.describe_layer(site, path, layer, (result,), own=True) for layer in site.plan.layers
            ],
        }
    return Page(
        path=path,
        template="image.html.j2",
        title=image.name,
        description=f"What each layer of {site.model.name} makes of {image.name}.",
        boost=4,  # who types its name looks for this page, not for each of its layers
        card=plan.CARD if image.error else plan.image_card(image.slug),
        crumbs=(parts.link_to(path, plan.INDEX, "Home"), parts.link_to(path, listed, "Images")),
        previous=previous,
        following=following,
        content=content,
    )


def _layers(site: parts.Site) -> Page:
    return Page(
        path=plan.LAYERS,
        template="layers.html.j2",
        title="Layers",
        description=f"{count(len(site.plan.layers), 'layer')} of {site.model.name} in order of execution.",
        crumbs=(parts.link_to(plan.LAYERS, plan.INDEX, "Home"),),
        content={"rows": [parts.describe_layer(site, plan.LAYERS, layer, ()) for layer in site.plan.layers]},
    )


def _around(
    things: Sequence[Any], place: int, link: Callable[[Any], parts.Link]
) -> tuple[parts.Link | None, parts.Link | None]:
    """Return links to what comes before and after number `place`, `None` at the ends."""
    return tuple(link(things[at]) if 0 <= at < len(things) else None for at in (place - 1, place + 1))


def _neighbours(
    page: str, layers: Sequence[Layer], layer: Layer, target: Callable[[Layer], str]
) -> tuple[parts.Link | None, parts.Link | None]:
    """Return links to the pages, told by `target`, of the layers before and after `layer`."""

    def link(layer: Layer) -> parts.Link:
        found = parts.link_to(page, target(layer), f"{layer.index} {layer.name}")
        return replace(found, maps=layer.is_map)

    return _around(layers, layers.index(layer), link)


def _family(layer: Layer) -> str:
    whole = layer.family == "pooling" and layer.kind.startswith("Global")
    return GLOBAL_POOLING_IN_WORDS if whole else FAMILIES_IN_WORDS[layer.family]


def _layer(site: parts.Site, layer: Layer, part: paging.Part) -> Page:
    path, title = part.path, f"{layer.index} {layer.name}"
    previous, following = _neighbours(
        path, site.plan.drawn, layer, lambda other: site.layer_page(other, part.results[0])
    )
    drawn = [result.layers[layer.slug] for result in part.results]
    health = None
    if layer.is_map and part.is_first:
        health = report.report_layer(path, layer, site.health[layer.slug], site.good)
    return Page(
        path=path,
        template="layer.html.j2",
        title=part.entitle(title),
        description=f"{layer.name} ({parts.kind_of(layer)}, {parts.shape_of(layer)}) for every test image.",
        boost=2 if part.is_first else 0,
        crumbs=part.crumbs(
            parts.link_to(path, plan.INDEX, "Home"), parts.link_to(path, plan.LAYERS, "Layers"), title=title
        ),
        previous=previous,
        following=following,
        content={
            "part": part,
            "row": parts.describe_layer(site, path, layer, part.results),
            "family": _family(layer),
            "sees": parts.say_receptive(layer),
            "legend": parts.explain_colours(site, layer, drawn),
            "enlarged": drawn[0].enlarged,
            "failed": [each for each in (parts.say_failed(result, layer) for result in part.results) if each],
            "numbers": [parts.summarize_image(path, result, layer) for result in part.results],
            "health": health,
            "all_health": None
            if part.is_first or not layer.is_map
            else parts.link_to(path, part.page, "Health over all images"),
        },
    )


def _image_layer(site: parts.Site, layer: Layer, result: ImageResult, boost: int) -> Page:
    path = plan.image_layer_page(result.image.slug, layer.slug)
    drawn = result.layers[layer.slug]
    previous, following = _neighbours(
        path, site.plan.mapped, layer, lambda other: plan.image_layer_page(result.image.slug, other.slug)
    )
    place = site.places[result.image.slug]
    others = [
        parts.link_to(path, plan.image_layer_page(other.image.slug, layer.slug), other.image.name)
        for other in site.good[max(0, place - NEARBY) : place + NEARBY + 1]
        if other is not result
    ]
    constant = [str(channel) for channel in np.flatnonzero(parts.constant_channels(layer, drawn))]
    return Page(
        path=path,
        template="image_layer.html.j2",
        title=f"{layer.index} {layer.name} · {result.image.name}",
        description=f"What {layer.name} ({parts.kind_of(layer)}) makes of {result.image.name}.",
        card=plan.image_card(result.image.slug),
        boost=boost,
        crumbs=(
            parts.link_to(path, plan.INDEX, "Home"),
            parts.link_to(path, plan.IMAGES, "Images"),
            parts.link_to(path, plan.image_page(result.image.slug), result.image.name),
        ),
        previous=previous,
        following=following,
        content={
            "layer": layer,
            "kind": parts.kind_of(layer),
            "family": _family(layer),
            "sees": parts.say_receptive(layer),
            "shape": parts.shape_of(layer),
            "layer_link": parts.link_to(path, site.layer_page(layer, result), layer.name),
            "others": others,
            "grid": parts.show_grid(site, path, result, layer),
            "seen": parts.show(path, result.seen, f"{result.image.name} as the model sees it", "The input"),
            "enlarged": drawn.enlarged,
            "legend": parts.explain_colours(site, layer, [drawn]),
            "display": parts.whole_width(drawn.grid),
            "channels": parts.show_channels(path, result, layer),
            "count": count(layer.channels, "channel"),
            "map_size": shape_in_words(drawn.shape[:2]),
            "channel_factor": picture_factor(*drawn.shape[:2]),
            "failed": parts.say_failed(result, layer),
            "constant": constant,
            "table": parts.list_numbers(layer, drawn),
        },
    )


def _compare(site: parts.Site, part: paging.Part) -> Page:
    path = part.path
    return Page(
        path=path,
        template="compare.html.j2",
        title=part.entitle("Compare"),
        description="Every layer for every test image in one table.",
        crumbs=part.crumbs(parts.link_to(path, plan.INDEX, "Home"), title="Compare"),
        boost=int(part.is_first),
        content={
            "part": part,
            "legend": parts.explain_colours(site, None, ()),
            "columns": [parts.describe_image(path, result) for result in part.results],
            "rows": [
                parts.describe_layer(site, path, layer, part.results, small=True)
                for layer in site.plan.mapped
            ],
        },
    )


def _model(site: parts.Site) -> Page:
    path, model, mapped = plan.MODEL, site.model, site.plan.mapped
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
        *[("Missing", each.removeprefix("not drawn: ")) for each in parts.say_missing(model)],
        *[("Left out", each) for each in site.plan.left_out],
        ("Verified", parts.say_verified(site)),
        ("Made with", ", ".join(f"{name} {version}" for name, version in model.versions.items())),
    )
    return Page(
        path=path,
        template="model.html.j2",
        title="Model",
        description=f"The layers, shapes and parameters of {model.name}.",
        crumbs=(parts.link_to(path, plan.INDEX, "Home"),),
        content={
            "name": one_line(model.name),
            "facts": [(name, one_line(str(value))) for name, value in facts],
            "health": report.report_model(
                path, mapped, [site.health[layer.slug] for layer in mapped], site.good
            ),
            "rows": [parts.describe_layer(site, path, layer, ()) for layer in site.plan.layers],
        },
    )
