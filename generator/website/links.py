"""Links between pages of the website."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from generator.core import paths
from generator.core.formatting import one_line
from generator.core.records import Layer


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link's target relative to its page, and its text; `maps` where it leads to a layer with maps."""

    href: str
    text: str
    maps: bool = False


def link_to(page: str, target: str, text: str = "", maps: bool = False) -> Link:
    """Return a link from a page to another, both named by their path below the website's root."""
    return Link(href=paths.link(page, f"{target}.html"), text=one_line(text), maps=maps)


def around(things: Sequence[Any], place: int, link: Callable[[Any], Link]) -> tuple[Link | None, Link | None]:
    """Return links to what comes before and after number `place`, `None` at the ends."""
    return tuple(link(things[at]) if 0 <= at < len(things) else None for at in (place - 1, place + 1))


def layers_around(
    page: str, layers: Sequence[Layer], layer: Layer, target: Callable[[Layer], str]
) -> tuple[Link | None, Link | None]:
    """Return links to the pages, told by `target`, of the layers before and after `layer`."""

    def link(other: Layer) -> Link:
        return link_to(page, target(other), f"{other.index} {other.name}", maps=other.is_map)

    return around(layers, layers.index(layer), link)
