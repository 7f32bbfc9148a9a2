"""The page of one layer for one image: its grid, its channels, and their numbers."""

from collections.abc import Iterator

import numpy as np

from generator.core import paths, wording
from generator.core.formatting import count, shape_in_words
from generator.core.records import ImageResult, Layer
from generator.render.scaling import picture_factor
from generator.website.components.grids import channel_views, grid_view, grid_width
from generator.website.components.legends import colour_legend
from generator.website.components.numbers import constant_channels, numbers_text
from generator.website.components.pictures import picture_view
from generator.website.components.words import kind_of, say_failed, say_family, say_receptive, shape_of
from generator.website.links import Link, layers_around, link_to
from generator.website.page import Page
from generator.website.site import Site

SEARCHED = 1_000  # pages of single layers of images; a browser cannot search many more
NEARBY = 4  # images before and after that a page links to, so that pages do not grow with the gallery


def pages(site: Site) -> Iterator[Page]:
    """Yield a page for each layer with maps and each image."""
    boost = int(len(site.plan.mapped) * len(site.good) <= SEARCHED)
    for layer in site.plan.mapped:
        for result in site.good:
            yield _page(site, layer, result, boost)


def _page(site: Site, layer: Layer, result: ImageResult, boost: int) -> Page:
    image = result.image
    path = paths.image_layer_page(image.slug, layer.slug)
    drawn = result.layers[layer.slug]
    previous, following = layers_around(
        path, site.plan.mapped, layer, lambda other: paths.image_layer_page(image.slug, other.slug)
    )
    constant = np.flatnonzero(constant_channels(layer, drawn))
    return Page(
        path=path,
        template="image_layer.html.j2",
        title=f"{layer.index} {layer.name} · {image.name}",
        description=f"What {layer.name} ({kind_of(layer)}) makes of {image.name}.",
        card=paths.image_card(image.slug),
        boost=boost,
        crumbs=(
            link_to(path, paths.INDEX, "Home"),
            link_to(path, paths.IMAGES, "Images"),
            link_to(path, paths.image_page(image.slug), image.name),
        ),
        previous=previous,
        following=following,
        content={
            "layer": layer,
            "notice": layer.notice and wording.say_notice(layer.notice),
            "kind": kind_of(layer),
            "family": say_family(layer),
            "sees": say_receptive(layer),
            "shape": shape_of(layer),
            "layer_link": link_to(path, site.layer_page(layer, result), layer.name),
            "others": _other_images(site, path, layer, result),
            "grid": grid_view(site, path, result, layer),
            "seen": picture_view(path, result.seen, f"{image.name} as the model sees it", "The input"),
            "enlarged": drawn.enlarged,
            "legend": colour_legend(site, layer, [drawn]),
            "display": grid_width(drawn.grid),
            "channels": channel_views(path, result, layer),
            "count": count(layer.channels, "channel"),
            "map_size": shape_in_words(drawn.numbers.shape[:2]),
            "channel_factor": picture_factor(*drawn.numbers.shape[:2]),
            "failed": say_failed(result, layer),
            "constant": [str(channel) for channel in constant],
            "table": numbers_text(layer, drawn),
        },
    )


def _other_images(site: Site, path: str, layer: Layer, result: ImageResult) -> list[Link]:
    """Return links to the pages of the same layer for the images before and after."""
    place = site.places[result.image.slug]
    return [
        link_to(path, paths.image_layer_page(other.image.slug, layer.slug), other.image.name)
        for other in site.good[max(0, place - NEARBY) : place + NEARBY + 1]
        if other is not result
    ]
