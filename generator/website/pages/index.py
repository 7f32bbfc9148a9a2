"""The front page: images side by side with their animations, and how to read them; later pages for more."""

from collections.abc import Iterator

from generator.core import paths, plan
from generator.core.formatting import count, one_line, shape_in_words
from generator.website.components.legends import colour_legend
from generator.website.components.pictures import image_column
from generator.website.links import link_to
from generator.website.list_pages import ListPage, list_pages
from generator.website.page import Page
from generator.website.site import Site

COLUMNS = 4  # images side by side in one table


def pages(site: Site) -> Iterator[Page]:
    """Yield the front page and the later pages of its list of images."""
    for list_page in list_pages(paths.INDEX, site.results, plan.PER_PAGE):
        yield _page(site, list_page)


def _page(site: Site, list_page: ListPage) -> Page:
    model, path = site.model, list_page.path
    columns = [image_column(path, result) for result in list_page.results]
    guide = link_to(path, "guide", "Guide") if site.guide else None
    return Page(
        path=path,
        template="index.html.j2",
        title=list_page.title(site.title),
        description=f"What each layer of {model.name} makes of {count(len(site.results), 'image')}.",
        crumbs=list_page.crumbs(title="Home"),
        boost=int(list_page.is_first),
        content={
            "list_page": list_page,
            "model": one_line(model.name),
            "facts": _facts(site),
            "left_out": [f"{sentence[0].upper()}{sentence[1:]}." for sentence in site.plan.left_out],
            "tables": [columns[start : start + COLUMNS] for start in range(0, len(columns), COLUMNS)],
            "legend": colour_legend(site, None, ()),
            "guide": guide,
            "sections": (
                *filter(None, (guide,)),
                link_to(path, paths.IMAGES, "Images"),
                link_to(path, paths.LAYERS, "Layers"),
                link_to(path, paths.COMPARE, "Compare"),
                link_to(path, paths.MODEL, "Model"),
            ),
        },
    )


def _facts(site: Site) -> str:
    return (
        f"{shape_in_words(site.model.input_shape)} input, {count(len(site.plan.layers), 'layer')}, "
        f"{len(site.plan.drawn):,} drawn, {count(site.model.parameters, 'parameter')}"
    )
