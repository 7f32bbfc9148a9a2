"""The website below a path of a server, as GitHub Pages serves a project: every link, crawled over HTTP."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin
from urllib.request import urlopen

import pytest
from conftest import ROOT, serve
from websites import References

from generator.website.mkdocs import build_website

BELOW = "some/path"


def crawl(start: str) -> tuple[list[str], set[str]]:
    """Follow every reference from `start` on that stays on its server; return what is wrong, and all URLs.

    Wrong is what the server does not have, what leads above `start`, and what points to a missing id.
    """
    server = urljoin(start, "/")
    wrong, pages, fragments, waiting = [], {}, [], [(start, "")]
    seen = {start}
    while waiting:
        url, source = waiting.pop()
        if not url.startswith(start):
            wrong.append(f"{source}: {url} lies above the website")
            continue
        try:
            with urlopen(url) as answer:
                is_page = answer.headers.get_content_type() == "text/html"
                content = answer.read()
        except HTTPError as error:
            wrong.append(f"{source}: {url}: {error.code}")
            continue
        if not is_page:
            continue
        pages[url] = References(content.decode())
        for target in pages[url].targets:
            found, fragment = urldefrag(urljoin(url, target))
            if not found.startswith(server):
                continue
            fragments.append((url, found, unquote(fragment)))
            if found not in seen:
                seen.add(found)
                waiting.append((found, url))
    for source, page, fragment in fragments:
        if fragment and page in pages and not pages[page].has(fragment):
            wrong.append(f"{source}: {page} has no #{fragment}")
    return wrong, seen


def files_of(site: Path) -> set[str]:
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}


@pytest.mark.parametrize("with_address", [False, True], ids=["without an address", "with an address"])
def test_every_link_works_below_a_path(gallery, tmp_path, monkeypatch, with_address):
    site = tmp_path / BELOW
    site.parent.mkdir(parents=True)
    with serve(tmp_path) as server:
        if with_address:
            monkeypatch.setenv("SITE_URL", f"{server}/{BELOW}/")
            build_website(ROOT / "mkdocs.yml", gallery.sources, site, {})
        else:
            site.symlink_to(gallery.site)
        start = f"{server}/{BELOW}/"
        wrong, seen = crawl(start)
        assert wrong == []
        reached = {unquote(url.removeprefix(start)) for url in seen}
        pages = {path for path in files_of(site) if path.endswith(".html")} - {"404.html"}
        assert pages <= reached | {"index.html"}
        assert {path for path in reached if path.endswith(".png")} and "css/gallery.css" in reached
        if with_address:  # the page for what is not there is shown at any depth
            lost, more = crawl(f"{start}404.html")
            assert all("lies above" in each for each in lost)  # it leads out of itself, and no further
            assert {urldefrag(url)[0] for url in more} <= seen | {f"{start}404.html"} | {start}


def test_the_crawler_finds_what_is_wrong(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "above.html").write_text("<p>x</p>", encoding="utf-8")
    (tmp_path / "there/index.html").write_text(
        "<a href='next.html#no'>1</a><img src='lost.png'><a href='/above.html'>2</a>"
        "<a href='https://example.org/'>elsewhere</a><script src='next.html#here'></script>",
        encoding="utf-8",
    )
    (tmp_path / "there/next.html").write_text("<p id='here'>x</p>", encoding="utf-8")
    with serve(tmp_path) as server:
        wrong, _ = crawl(f"{server}/there/")
    assert sorted(each.rpartition(" ")[2] for each in wrong) == ["#no", "404", "website"]
