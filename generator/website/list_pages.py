"""Lists of images in pages of a fixed number: which images a page shows, and the links between the pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.core import paths
from generator.core.records import ImageResult
from generator.website.links import Link, link_to

AROUND = 2  # numbered links on either side of the page that is shown


@dataclass(frozen=True, kw_only=True)
class PageNumber:
    """A numbered link to a page, or the page itself, whose `href` is `None`.

    `label` is its name for those who listen. `gap` tells that pages are left out before it.
    """

    href: str | None
    text: str
    label: str
    gap: bool


@dataclass(frozen=True, kw_only=True)
class PageLinks:
    """The links from one page of a list to the others, and in `summary` which images this one shows."""

    summary: str
    previous: Link | None
    following: Link | None
    numbers: tuple[PageNumber, ...]


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """Page `number`, from 1, of a list of `total` images that begins on the page `first`.

    Each page has `per_page` images, the last one perhaps fewer; `results` are those of this page.
    """

    first: str
    number: int
    per_page: int
    total: int
    results: tuple[ImageResult, ...]

    @property
    def path(self) -> str:
        """The page's own path."""
        return paths.later_page(self.first, self.number)

    @property
    def is_first(self) -> bool:
        """Whether this is the page on which the list begins."""
        return self.number == 1

    @property
    def pages(self) -> int:
        """How many pages the list has."""
        return max(1, -(-self.total // self.per_page))

    def summary(self, number: int) -> str:
        """Return which images are on page `number` of the list, in words."""
        first, last = (number - 1) * self.per_page + 1, min(number * self.per_page, self.total)
        if first < last:
            return f"Images {first:,}–{last:,} of {self.total:,}"
        return f"Image {first:,} of {self.total:,}"

    def title(self, title: str) -> str:
        """Return `title` with what tells this page from the others of the list."""
        return title if self.is_first else f"{title} · {self.summary(self.number)}"

    def crumbs(self, *links: Link, title: str) -> tuple[Link, ...]:
        """Return the way here: `links`, and from a later page to the first one, by its title."""
        return links if self.is_first else (*links, link_to(self.path, self.first, title))

    @property
    def links(self) -> PageLinks | None:
        """The links to the other pages, always few; `None` where there is only this one."""
        if self.pages == 1:
            return None
        near = range(max(1, self.number - AROUND), min(self.pages, self.number + AROUND) + 1)
        shown = sorted({1, *near, self.pages})
        return PageLinks(
            summary=self.summary(self.number),
            previous=self._link(self.number - 1, "Previous"),
            following=self._link(self.number + 1, "Next"),
            numbers=tuple(self._page_number(number, number - 1 not in (0, *shown)) for number in shown),
        )

    def _link(self, number: int, text: str) -> Link | None:
        if not 1 <= number <= self.pages:
            return None
        return link_to(self.path, paths.later_page(self.first, number), text)

    def _page_number(self, number: int, gap: bool) -> PageNumber:
        link = None if number == self.number else self._link(number, str(number))
        label = f"Page {number}: {self.summary(number)}"
        return PageNumber(href=link and link.href, text=str(number), label=label, gap=gap)


def list_pages(first: str, results: Sequence[ImageResult], per_page: int) -> Iterator[ListPage]:
    """Yield the pages of a list of images that begins on the page `first`."""
    for number, start in enumerate(range(0, len(results), per_page), 1):
        shown = tuple(results[start : start + per_page])
        yield ListPage(first=first, number=number, per_page=per_page, total=len(results), results=shown)
