"""The comparison: every layer with maps for every image in one table, cut into pages."""

from collections.abc import Iterator

from generator.core import paths, plan
from generator.website.components.grids import layer_row
from generator.website.components.legends import colour_legend
from generator.website.components.pictures import image_column
from generator.website.links import link_to
from generator.website.list_pages import ListPage, list_pages
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield the pages of the comparison."""
    for list_page in list_pages(paths.COMPARE, site.good, plan.COMPARED):
        yield _page(site, list_page)


def _page(site: Site, list_page: ListPage) -> Page:
    path, results = list_page.path, list_page.results
    return Page(
        path=path,
        template="compare.html.j2",
        title=list_page.title("Compare"),
        description="Every layer for every test image in one table.",
        crumbs=list_page.crumbs(link_to(path, paths.INDEX, "Home"), title="Compare"),
        boost=int(list_page.is_first),
        content={
            "list_page": list_page,
            "legend": colour_legend(site, None, ()),
            "columns": [image_column(path, result) for result in results],
            "rows": [layer_row(site, path, layer, results, small=True) for layer in site.plan.mapped],
        },
    )
