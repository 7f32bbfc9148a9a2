"""What tests ask of finished websites: kinds of page, links, whether these lead somewhere, hostile names."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a'b\"c --- ```\n# x\n<script>alert(2)<script> [l](javascript:alert(3)) {{ 7*7 }} `x`",
    "<title><script>alert(4)<script>",
    "&lt;script&gt;alert(5)&lt;&#47;script&gt;",
    "池化 🐱 \x1b[31m",
)
KINDS = (
    "index",
    "gallery/images/index",
    "gallery/images/one",
    "gallery/images/one/01-first-conv",
    "gallery/layers/index",
    "gallery/layers/01-first-conv",
    "gallery/compare",
    "gallery/model",
)


AXE = Path(__file__).resolve().parent.parent / "node_modules" / "axe-core" / "axe.min.js"
LOOKS = [(scheme, width) for scheme in ("default", "slate") for width in (1280, 390)]  # light and dark
MADE_BY_MATERIAL = {"__search", "__drawer", "__skip"}  # ids that its script handles


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which `make lint` installs."""
    if not AXE.is_file():
        pytest.skip("optional: axe-core is not installed: npm ci")
    return AXE.read_text(encoding="utf-8")


def found_by_axe(page) -> list[str]:
    """Return what axe-core calls serious or critical, each with the first element concerned."""
    options = {"resultTypes": ["violations"], "preload": False}  # a page on the disk may not fetch
    violations = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]


class References(HTMLParser):
    """Collects what a page refers to, its ids, and the attributes of its pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.targets, self.ids, self.images, self.explored = [], set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        self.targets += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        if tag == "img":
            self.images.append(attributes)
        self.explored |= "data-explore" in attributes

    def has(self, fragment: str) -> bool:
        """Whether a fragment leads somewhere: to an element, or to a channel that the explorer opens."""
        return fragment in self.ids | MADE_BY_MATERIAL or bool(
            self.explored and re.fullmatch(r"c\d+", fragment)
        )


def broken_links(site: Path) -> list[str]:
    """Return every internal link of every page that leads nowhere, fragments included."""
    pages = {path: References(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    broken = []
    for page, references in pages.items():
        for target in references.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            missing = not path.is_file()
            if not missing and parts.fragment and path in pages:
                missing = not pages[path].has(unquote(parts.fragment))
            if missing:
                broken.append(f"{page.relative_to(site)}: {target}")
    return broken
