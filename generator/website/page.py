"""A page: what it is made of, and how it becomes front matter and HTML.

MkDocs puts front-matter titles and descriptions into every page as they are, so they are escaped here.
"""

import html
import re
from dataclasses import dataclass
from typing import Any

import jinja2
import yaml

from generator.core import paths
from generator.core.formatting import one_line
from generator.website import templating
from generator.website.links import Link

GENERATED = "activation-gallery"  # in the front matter of every page of ours


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page: where it lies, its template, what every template uses, and its own `content`."""

    path: str
    template: str
    title: str
    description: str
    crumbs: tuple[Link, ...] = ()
    previous: Link | None = None
    following: Link | None = None
    boost: int = 1  # weight in search; with 0 it is not found there
    card: str = paths.CARD  # the picture shown where others link to the page
    content: dict[str, Any]


def render(page: Page, templates: jinja2.Environment) -> bytes:
    """Return a page's Markdown source: YAML front matter, then one block of HTML."""
    front = {
        "title": html.escape(one_line(page.title)),
        "description": html.escape(one_line(page.description)),
        "hide": ["navigation", "toc"],
        "search": {"boost": page.boost} if page.boost else {"exclude": True},
        "image": page.card,
        "generated_by": GENERATED,
    }
    body = templating.fill(templates, page.template, page=page, **page.content)
    # Markdown ends a block of HTML nowhere but at its closing tag; blank lines only cost bytes.
    body = re.sub(r"\n\s*\n+", "\n", body.strip())
    matter = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{matter}---\n\n{body}\n".encode()
