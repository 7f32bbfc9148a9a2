"""The list of images, cut into pages."""

from collections.abc import Iterator

from generator.core import paths, plan
from generator.core.formatting import count
from generator.website.components.pictures import image_column
from generator.website.links import link_to
from generator.website.list_pages import ListPage, list_pages
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield the pages of the list of images."""
    for list_page in list_pages(paths.IMAGES, site.results, plan.PER_PAGE):
        yield _page(site, list_page)


def _page(site: Site, list_page: ListPage) -> Page:
    path = list_page.path
    return Page(
        path=path,
        template="images.html.j2",
        title="Images" if list_page.is_first else list_page.summary(list_page.number),
        description=f"{count(len(site.results), 'test image')} and what the model says of them.",
        crumbs=list_page.crumbs(link_to(path, paths.INDEX, "Home"), title="Images"),
        boost=int(list_page.is_first),
        content={
            "list_page": list_page,
            "columns": [image_column(path, result) for result in list_page.results],
        },
    )
