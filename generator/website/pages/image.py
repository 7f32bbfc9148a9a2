"""The page of an image: its prediction, its attribution, and what every layer makes of it."""

from collections.abc import Iterator
from typing import Any

from generator.core import paths, plan, wording
from generator.core.formatting import shape_in_words
from generator.core.records import FailedImage, ImageResult, ShownImage
from generator.website.components.attribution import attribution_view
from generator.website.components.grids import layer_row
from generator.website.components.pictures import arrays_download, image_players, picture_view
from generator.website.components.words import say_failed
from generator.website.links import around, link_to
from generator.website.page import Page
from generator.website.site import Site


def pages(site: Site) -> Iterator[Page]:
    """Yield a page for each image, those that could not be shown to the model as well."""
    for position, result in enumerate(site.results):
        yield _page(site, position, result)


def _page(site: Site, position: int, result: ImageResult) -> Page:
    image = result.image
    path = paths.image_page(image.slug)
    listed = paths.later_page(paths.IMAGES, position // plan.PER_PAGE + 1)
    previous, following = around(
        site.results,
        position,
        lambda other: link_to(path, paths.image_page(other.image.slug), other.image.name),
    )
    return Page(
        path=path,
        template="image.html.j2",
        title=image.name,
        description=f"What each layer of {site.model.name} makes of {image.name}.",
        boost=4,  # who types its name looks for this page, not for each of its layers
        card=paths.CARD if isinstance(result, FailedImage) else paths.image_card(image.slug),
        crumbs=(link_to(path, paths.INDEX, "Home"), link_to(path, listed, "Images")),
        previous=previous,
        following=following,
        content=(
            {"error": result.error}
            if isinstance(result, FailedImage)
            else {"error": None, **_content(site, path, result)}
        ),
    )


def _content(site: Site, path: str, result: ShownImage) -> dict[str, Any]:
    """Return what the page shows of an image that the model has seen."""
    name, (width, height) = result.image.name, result.size
    as_seen = f"As the model sees it: {shape_in_words(result.fed)}, pixel values {site.scaling}"
    return {
        "prediction": result.prediction,
        "method": result.prediction.method and wording.say_class_score(result.prediction.method),
        "failed": say_failed(result),
        "original": picture_view(path, result.original, f"{name} as given", f"As given: {width}×{height}"),
        "seen": picture_view(path, result.seen, f"{name} as the model sees it", as_seen),
        "players": image_players(path, result),
        "attribution": attribution_view(path, site.plan, result),
        "arrays": result.arrays and arrays_download(path, site.plan.drawn[0], result.arrays),
        "rows": [layer_row(site, path, layer, (result,), own=True) for layer in site.plan.layers],
    }
