"""The pages: what a template may use, and how a page becomes front matter and HTML.

MkDocs puts front-matter titles and descriptions into every page as they are, so they are escaped here.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import yaml

from generator import decisions, parts, plan, report
from generator.data import ImageResult, Layer
from generator.raster import picture_factor
from generator.text import count, one_line, shape_in_words

COLUMNS = 4  # images side by side in one table
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
    boost: int = 1  # weight in search
    content: dict[str, Any]


def all_pages(site: parts.Site) -> Iterator[Page]:
    """Yield every page of the website."""
    yield _index(site)
    yield _images(site)
    yield _layers(site)
    yield _compare(site)
    yield _model(site)
    for position, result in enumerate(site.results):
        yield _image(site, position, result)
    for layer in site.plan.drawn:
        yield _layer(site, layer)
    for layer in site.plan.mapped:
        for result in site.good:
            yield _image_layer(site, layer, result)


def environment(folders: Sequence[Path]) -> jinja2.Environment:
    """Return the Jinja environment: a missing value is an error, text is escaped and stays on its line."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(page: Page, templates: jinja2.Environment) -> bytes:
    """Return a page's Markdown source: YAML front matter, then one block of HTML."""
    front = {
        "title": html.escape(one_line(page.title)),
        "description": html.escape(one_line(page.description)),
        "hide": ["navigation", "toc"],
        "search": {"boost": page.boost},
        "generated_by": GENERATED,
    }
    body = templates.get_template(page.template).render(page=page, **page.content)
    # Markdown ends a block of HTML nowhere but at its closing tag; blank lines only cost bytes.
    body = re.sub(r"\n\s*\n+", "\n", body.strip())
    matter = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{matter}---\n\n{body}\n".encode()


def _index(site: parts.Site) -> Page:
    model = site.model
    columns = [parts.describe_image(plan.INDEX, result) for result in site.results]
    tables = [columns[start : start + COLUMNS] for start in range(0, len(columns), COLUMNS)]
    facts = (
        f"{shape_in_words(model.input_shape)} input, {count(len(site.plan.layers), 'layer')}, "
        f"{len(site.plan.drawn):,} drawn, {count(model.parameters, 'parameter')}"
    )
    return Page(
        path=plan.INDEX,
        template="index.html.j2",
        title=f"What {one_line(model.name)} sees",
        description=f"What each layer of {model.name} makes of {count(len(site.results), 'image')}.",
        content={
            "model": one_line(model.name),
            "facts": facts,
            "left_out": [f"{each[0].upper()}{each[1:]}." for each in site.plan.left_out],
            "tables": tables,
            "legend": parts.explain_colours(site, None, ()),
            "sections": (
                parts.link_to(plan.INDEX, plan.IMAGES, "Images"),
                parts.link_to(plan.INDEX, plan.LAYERS, "Layers"),
                parts.link_to(plan.INDEX, plan.COMPARE, "Compare"),
                parts.link_to(plan.INDEX, plan.MODEL, "Model"),
            ),
        },
    )


def _images(site: parts.Site) -> Page:
    return Page(
        path=plan.IMAGES,
        template="images.html.j2",
        title="Images",
        description=f"{count(len(site.results), 'test image')} and what the model says of them.",
        crumbs=(parts.link_to(plan.IMAGES, plan.INDEX, "Home"),),
        content={"columns": [parts.describe_image(plan.IMAGES, result) for result in site.results]},
    )


def _image(site: parts.Site, position: int, result: ImageResult) -> Page:
    image = result.image
    path = plan.image_page(image.slug)
    around = site.results[position - 1] if position else None, *site.results[position + 1 : position + 2]
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
            "rows": [parts.describe_layer(site, path, layer, (result,)) for layer in site.plan.layers],
        }
    return Page(
        path=path,
        template="image.html.j2",
        title=image.name,
        description=f"What each layer of {site.model.name} makes of {image.name}.",
        crumbs=(parts.link_to(path, plan.INDEX, "Home"), parts.link_to(path, plan.IMAGES, "Images")),
        previous=around[0]
        and parts.link_to(path, plan.image_page(around[0].image.slug), around[0].image.name),
        following=next(
            (parts.link_to(path, plan.image_page(each.image.slug), each.image.name) for each in around[1:]),
            None,
        ),
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


def _neighbours(
    site: parts.Site, page: str, layer: Layer, image: str | None
) -> tuple[parts.Link | None, parts.Link | None]:
    """Return links to the layers with such a page before and after `layer`, for one image or for all."""
    layers = site.plan.mapped if image else site.plan.drawn
    position = layers.index(layer)

    def to(index: int) -> parts.Link | None:
        if not 0 <= index < len(layers):
            return None
        layer = layers[index]
        target = plan.image_layer_page(image, layer.slug) if image else plan.layer_page(layer.slug)
        return parts.link_to(page, target, f"{layer.index} {layer.name}")

    return to(position - 1), to(position + 1)


def _family(layer: Layer) -> str:
    return GLOBAL_POOLING_IN_WORDS if layer.kind.startswith("Global") else FAMILIES_IN_WORDS[layer.family]


def _layer(site: parts.Site, layer: Layer) -> Page:
    path = plan.layer_page(layer.slug)
    previous, following = _neighbours(site, path, layer, None)
    drawn = [result.layers[layer.slug] for result in site.good]
    return Page(
        path=path,
        template="layer.html.j2",
        title=f"{layer.index} {layer.name}",
        description=f"{layer.name} ({parts.kind_of(layer)}, {parts.shape_of(layer)}) for every test image.",
        boost=2,
        crumbs=(parts.link_to(path, plan.INDEX, "Home"), parts.link_to(path, plan.LAYERS, "Layers")),
        previous=previous,
        following=following,
        content={
            "row": parts.describe_layer(site, path, layer, site.good),
            "family": _family(layer),
            "sees": parts.say_receptive(layer),
            "legend": parts.explain_colours(site, layer, drawn),
            "enlarged": drawn[0].enlarged,
            "failed": [each for each in (parts.say_failed(result, layer) for result in site.good) if each],
            "numbers": [parts.summarize_image(path, result, layer) for result in site.good],
            "health": report.report_layer(path, layer, site.health[layer.slug], site.good)
            if layer.is_map
            else None,
        },
    )


def _image_layer(site: parts.Site, layer: Layer, result: ImageResult) -> Page:
    path = plan.image_layer_page(result.image.slug, layer.slug)
    drawn = result.layers[layer.slug]
    previous, following = _neighbours(site, path, layer, result.image.slug)
    place = site.good.index(result)
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
            "layer_link": parts.link_to(path, plan.layer_page(layer.slug), layer.name),
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


def _compare(site: parts.Site) -> Page:
    path = plan.COMPARE
    return Page(
        path=path,
        template="compare.html.j2",
        title="Compare",
        description="Every layer for every test image in one table.",
        crumbs=(parts.link_to(path, plan.INDEX, "Home"),),
        content={
            "legend": parts.explain_colours(site, None, ()),
            "columns": [parts.describe_image(path, result) for result in site.good],
            "rows": [
                parts.describe_layer(site, path, layer, site.good, small=True) for layer in site.plan.mapped
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
