"""Lists of images in pages of a fixed number: which images a page shows, and the links between the pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.core import paths
from generator.core.records import ImageResult
from generator.website import components

AROUND = 2  # numbered links on either side of the page that is shown


@dataclass(frozen=True)
class Number:
    """A numbered link to a page, or the page itself, which has none. `said` is its name for those who listen.

    `gap` tells that pages are left out before it.
    """

    href: str | None
    text: str
    said: str
    gap: bool


@dataclass(frozen=True)
class Ways:
    """What leads from one page of a list to the others, and what this one shows, in words."""

    said: str
    before: components.Link | None
    after: components.Link | None
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Part:
    """Page `number`, from 1, of a list of `of` images that begins on `page`, with `most` images each."""

    page: str
    number: int
    most: int
    of: int
    results: tuple[ImageResult, ...]

    @property
    def path(self) -> str:
        """The page's own path."""
        return paths.later_page(self.page, self.number)

    @property
    def is_first(self) -> bool:
        """Whether this is the page on which the list begins."""
        return self.number == 1

    @property
    def pages(self) -> int:
        """How many pages the list has."""
        return max(1, -(-self.of // self.most))

    def say(self, number: int) -> str:
        """Say which images are on a page of the list."""
        first, last = (number - 1) * self.most + 1, min(number * self.most, self.of)
        return (
            f"Images {first:,}–{last:,} of {self.of:,}" if first < last else f"Image {first:,} of {self.of:,}"
        )

    def entitle(self, title: str) -> str:
        """Return a title that tells this page from the others of the list."""
        return title if self.is_first else f"{title} · {self.say(self.number)}"

    def crumbs(self, *links: components.Link, title: str) -> tuple[components.Link, ...]:
        """Return the way here: `links`, and from a later page to the first one, by its title."""
        return links if self.is_first else (*links, components.link_to(self.path, self.page, title))

    @property
    def ways(self) -> Ways | None:
        """The links to the other pages, always few; `None` where there is only this one."""
        if self.pages == 1:
            return None
        near = range(max(1, self.number - AROUND), min(self.pages, self.number + AROUND) + 1)
        shown = sorted({1, *near, self.pages})
        return Ways(
            self.say(self.number),
            self._link(self.number - 1, "Previous"),
            self._link(self.number + 1, "Next"),
            tuple(self._number(each, each - 1 not in (0, *shown)) for each in shown),
        )

    def _link(self, number: int, text: str) -> components.Link | None:
        if not 1 <= number <= self.pages:
            return None
        return components.link_to(self.path, paths.later_page(self.page, number), text)

    def _number(self, number: int, gap: bool) -> Number:
        link = None if number == self.number else self._link(number, str(number))
        return Number(link and link.href, str(number), f"Page {number}: {self.say(number)}", gap)


def split(page: str, results: Sequence[ImageResult], most: int) -> Iterator[Part]:
    """Yield the pages of a list of images that begins on `page`."""
    for number, start in enumerate(range(0, len(results), most), 1):
        yield Part(page, number, most, len(results), tuple(results[start : start + most]))
