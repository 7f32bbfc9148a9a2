"""Run MkDocs over the sources."""

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from generator.core import bounds, paths, resources
from generator.core.errors import WebsiteError
from generator.core.files import walk
from generator.website import mkdocs_yml, previews

GUIDE = "guide.md"  # in the packaged navigation; a project need not have one
GALLERY = "gallery"  # the folder that has as good as all files


def build_website(
    config_file: Path, sources: Path, target: Path, assets: Mapping[str, bytes]
) -> tuple[str, ...]:
    """Turn the Markdown in `sources` into a website in the folder `target`, empty or none yet.

    `assets` are style sheets and scripts by their path; those that the sources have of their own win. Returns
    the names of environment variables that the file asks for and was not given; see `mkdocs_yml`. Raises
    `WebsiteError` with MkDocs' reason when it cannot.
    """
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # a banner that Material prints at import
    from jinja2 import TemplateError
    from mkdocs.exceptions import MkDocsException

    log = logging.getLogger("mkdocs")
    handler = _FirstError()
    log.addHandler(handler)
    try:
        with tempfile.TemporaryDirectory(prefix="activation-gallery-") as folder:
            pages = Path(folder, "pages")
            _link_pages(sources, pages)
            withheld = _run_mkdocs(config_file, pages, sources, target, Path(folder))
        _copy_pictures(sources, target)
        _add_missing(target, assets)
        return withheld
    except RecursionError:
        raise WebsiteError(
            f"expected an end of what {config_file.name} inherits or links, received a circle: correct it"
        ) from None
    except (MkDocsException, TemplateError, UnicodeError, SystemExit, OSError) as error:
        reason = handler.message or " ".join(str(error).split())
        raise WebsiteError(f"expected MkDocs to build {config_file.name}, received: {reason}") from None
    finally:
        log.removeHandler(handler)


def _run_mkdocs(config_file: Path, pages: Path, sources: Path, target: Path, spill: Path) -> tuple[str, ...]:
    """Build the pages, with the text of those that are not being written kept in the folder `spill`.

    Returns the names of environment variables that were not passed on.
    """
    from mkdocs.commands.build import build
    from mkdocs.plugins import BasePlugin, event_priority

    class Spill(BasePlugin):
        """MkDocs reads all pages before it writes the first, and would keep them all in memory."""

        @event_priority(-100)
        def on_page_content(self, html, page, **_):
            (spill / f"{id(page)}.html").write_text(html, encoding="utf-8")
            page.markdown = ""  # with None, a page that is in no navigation would have no title
            return ""

        @event_priority(100)
        def on_page_context(self, context, page, **_):
            page.content = (spill / f"{id(page)}.html").read_text(encoding="utf-8")
            (spill / f"{id(page)}.html").unlink()
            return context

        def on_post_page(self, output, page, **_):
            page.content = None
            return output

    config, withheld = mkdocs_yml.load(config_file, docs_dir=str(pages), site_dir=str(target))
    if config.theme.custom_dir:
        bounds.check_theme(config_file.parent, Path(config.theme.custom_dir))
    config.plugins["activation-gallery/listed"] = _all_listed(pages)
    config.plugins["activation-gallery/spill"] = Spill()
    config.plugins["activation-gallery/seen"] = _seen_by_others(sources)
    own = 1 if config.theme.custom_dir else 0  # the user's own templates come before ours
    config.theme.dirs.insert(own, str(resources.THEME))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    config.plugins.on_shutdown()
    if not config.site_url:  # what MkDocs links absolutely only works with an address
        for name in ("404.html", "sitemap.xml", "sitemap.xml.gz"):
            (target / name).unlink(missing_ok=True)
    return withheld


def _all_listed(pages: Path):
    """Return a plugin of MkDocs that stops a build where it overlooked a folder that it could not list."""
    from mkdocs.plugins import BasePlugin

    class Listed(BasePlugin):
        def on_files(self, files, **_):
            there = {path.rpartition("/")[0] for path, _ in walk(pages, follow=True)}
            overlooked = sorted(there - {each.src_uri.rpartition("/")[0] for each in files})
            if overlooked:
                raise WebsiteError(
                    f"expected MkDocs to read {overlooked[0] or 'the pages'}, received no list of the files "
                    "there: check its rights and build again"
                )

    return Listed()


def _seen_by_others(sources: Path):
    """Return a plugin of MkDocs that puts previews of links into pages, and one address for each page."""
    from mkdocs.plugins import BasePlugin

    class Seen(BasePlugin):
        """`image` in the front matter is a file below `sources` or a URL; without it, the gallery's."""

        def on_config(self, config, **_):
            if config.nav and not Path(config.docs_dir, GUIDE).exists():
                config.nav = [each for each in config.nav if GUIDE not in _targets(each)]

        def on_page_content(self, html, page, **_):
            page.canonical_url = page.canonical_url and previews.folder_address(page.canonical_url)
            return html

        def on_post_page(self, output, page, config, **_):
            found = (page.meta.get("image"), paths.CARD)
            image = next((str(each) for each in found if each and _is_picture(sources, str(each))), None)
            tags = previews.preview_tags(
                title=str(page.title or config.site_name),
                description=str(page.meta.get("description") or config.site_description or ""),
                site_name=config.site_name,
                address=page.canonical_url or None,
                image=previews.picture_address(config.site_url, image) if image and config.site_url else None,
            )
            return previews.insert(output, tags)

    return Seen()


def _targets(entry) -> list:
    """Return what an entry of MkDocs' navigation leads to, without what lies deeper."""
    return list(entry.values()) if isinstance(entry, dict) else [entry]


def _is_picture(sources: Path, image: str) -> bool:
    return image.startswith(("http://", "https://")) or (sources / image).is_file()


def _link_pages(sources: Path, pages: Path) -> None:
    """Link what MkDocs has to look at: of the gallery only the Markdown, since each file costs it time."""
    pages.mkdir()
    for path in sources.iterdir():
        if path.name != GALLERY and path.exists():  # else a link that leads nowhere
            (pages / path.name).symlink_to(os.path.realpath(path))
    for path, entry in walk(sources / GALLERY):
        if path.endswith(".md") and "/." not in f"/{path}":
            link = pages / GALLERY / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.realpath(entry.path))


def _copy_pictures(sources: Path, target: Path) -> None:
    """Copy what lies in the gallery besides Markdown and hidden files."""
    made = set()
    for path, entry in walk(sources / GALLERY):
        if "/." in f"/{path}" or path.endswith(".md") or not entry.is_file():
            continue
        place = target / GALLERY / path
        if place.parent not in made:
            place.parent.mkdir(parents=True, exist_ok=True)
            made.add(place.parent)
        shutil.copyfile(entry.path, place)


def _add_missing(target: Path, assets: Mapping[str, bytes]) -> None:
    for path, content in assets.items():
        if not (target / path).exists():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)


class _FirstError(logging.Handler):
    """Keeps the first error that MkDocs reports, since its exception often says nothing."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.message = ""

    def emit(self, record):
        self.message = self.message or " ".join(record.getMessage().split())
