"""The list of all layers."""

from collections.abc import Iterator

from generator.core import paths
from generator.core.formatting import count
from generator.website.components.grids import layer_row
from generator.website.links import link_to
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield the page with the list of layers."""
    yield Page(
        path=paths.LAYERS,
        template="layers.html.j2",
        title="Layers",
        description=f"{count(len(site.plan.layers), 'layer')} of {site.model.name} in order of execution.",
        crumbs=(link_to(paths.LAYERS, paths.INDEX, "Home"),),
        content={"rows": [layer_row(site, paths.LAYERS, layer, ()) for layer in site.plan.layers]},
    )
