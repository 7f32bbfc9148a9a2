"""The page of a layer: its grids for all images, their numbers, and its health; cut into pages."""

from collections.abc import Iterator

from generator.core import paths, plan, wording
from generator.core.records import Layer
from generator.website.components.grids import layer_row
from generator.website.components.health import layer_health_view
from generator.website.components.legends import colour_legend
from generator.website.components.numbers import image_numbers
from generator.website.components.words import kind_of, say_failed, say_family, say_receptive, shape_of
from generator.website.links import layers_around, link_to
from generator.website.list_pages import ListPage, list_pages
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield the pages of each layer that is drawn."""
    for layer in site.plan.drawn:
        for list_page in list_pages(paths.layer_page(layer.slug), site.good, plan.PER_PAGE):
            yield _page(site, layer, list_page)


def _page(site: Site, layer: Layer, list_page: ListPage) -> Page:
    path, title = list_page.path, f"{layer.index} {layer.name}"
    previous, following = layers_around(
        path, site.plan.drawn, layer, lambda other: site.layer_page(other, list_page.results[0])
    )
    drawn = [result.layers[layer.slug] for result in list_page.results]
    health, health_link = None, None
    if layer.is_map and list_page.is_first:
        health = layer_health_view(path, layer, site.health[layer.slug], site.good)
    elif layer.is_map:
        health_link = link_to(path, list_page.first, "Health over all images")
    return Page(
        path=path,
        template="layer.html.j2",
        title=list_page.title(title),
        description=f"{layer.name} ({kind_of(layer)}, {shape_of(layer)}) for every test image.",
        boost=2 if list_page.is_first else 0,
        crumbs=list_page.crumbs(
            link_to(path, paths.INDEX, "Home"), link_to(path, paths.LAYERS, "Layers"), title=title
        ),
        previous=previous,
        following=following,
        content={
            "list_page": list_page,
            "row": layer_row(site, path, layer, list_page.results),
            "notice": layer.notice and wording.say_notice(layer.notice),
            "family": say_family(layer),
            "sees": say_receptive(layer),
            "legend": colour_legend(site, layer, drawn),
            "enlarged": drawn[0].enlarged,
            "failed": list(filter(None, (say_failed(result, layer) for result in list_page.results))),
            "numbers": [image_numbers(path, result, layer) for result in list_page.results],
            "health": health,
            "health_link": health_link,
        },
    )
