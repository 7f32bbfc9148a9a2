"""All pages of the website, one kind after the other."""

from collections.abc import Iterator

from generator.website.page import Page
from generator.website.pages import compare, image, image_layer, images, index, layer, layers, model
from generator.website.site import Site

KINDS = (index, images, layers, compare, model, image, layer, image_layer)  # each has `pages(site)`


def all_pages(site: Site) -> Iterator[Page]:
    """Yield every page of the website."""
    for kind in KINDS:
        yield from kind.pages(site)
