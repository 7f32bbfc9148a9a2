"""Run MkDocs over the sources."""

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from generator.errors import WebsiteError


def build_website(config_file: Path, sources: Path, target: Path, assets: Mapping[str, bytes]) -> None:
    """Turn the Markdown in `sources` into a website in the new folder `target`.

    `assets` are style sheets and scripts by their path; those that the sources have of their own win.
    Raises `WebsiteError` with MkDocs' reason when it cannot.
    """
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # a banner that Material prints at import
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    shutil.rmtree(target, ignore_errors=True)
    log = logging.getLogger("mkdocs")
    handler = _FirstError()
    log.addHandler(handler)
    finished = False
    try:
        config = load_config(str(config_file), docs_dir=str(sources), site_dir=str(target))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()
        _add_missing(target, assets)
        if not config.site_url:  # what MkDocs links absolutely only works with an address
            for name in ("404.html", "sitemap.xml", "sitemap.xml.gz"):
                (target / name).unlink(missing_ok=True)
    except (MkDocsException, SystemExit, OSError) as error:
        reason = handler.message or " ".join(str(error).split())
        raise WebsiteError(f"expected MkDocs to build {config_file.name}, received: {reason}") from None
    else:
        finished = True
    finally:
        log.removeHandler(handler)
        if not finished:
            shutil.rmtree(target, ignore_errors=True)


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


def serve_website(folder: Path, port: int, rebuild: Callable[[], None], watched: Iterable[Path]) -> None:
    """Serve `folder` on localhost until interrupted; when something watched changes, rebuild and reload.

    Raises `WebsiteError` when the port is taken.
    """
    from mkdocs.livereload import LiveReloadServer

    server = LiveReloadServer(rebuild, "127.0.0.1", port, str(folder))
    for path in watched:
        server.watch(str(path))
    try:
        server.serve()
    except OSError as error:
        raise WebsiteError(f"expected a free port, received {port}: {error.strerror}: use --port") from None
    finally:
        server.shutdown()
