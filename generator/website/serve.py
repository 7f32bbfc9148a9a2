"""The live server: shows the website on this machine, and builds it again when something changes.

Whatever a request or a rebuild does, it goes on, and says in one line what went wrong.
"""

import mimetypes
import os
import posixpath
import shutil
import socketserver
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

from generator.core.errors import GalleryError, StoppedError, WebsiteError

HOST = "127.0.0.1"
NAMES = ("localhost", HOST, "[::1]")  # by which a browser of ours may ask for it
POLL = "/livereload/"
PATIENCE = 60  # seconds that a page waits for news, and a request for a website that is being replaced
LOOK = 0.5  # seconds between two looks at what is watched
SCRIPT = """<script>
(function () {
  var asked;
  function poll() {
    asked = new XMLHttpRequest();
    asked.onloadend = function () {
      if (asked.status === 200 && asked.responseText !== "%(version)s") location.reload();
      else if (asked.status === 200) poll();
      else setTimeout(poll, 3000);
    };
    asked.open("GET", "/livereload/%(version)s");
    asked.send();
  }
  function follow() {
    if (asked) { asked.onloadend = null; asked.abort(); asked = null; }
    if (document.visibilityState === "visible") poll();
  }
  addEventListener("load", follow);
  addEventListener("visibilitychange", follow);
  addEventListener("beforeunload", function () { if (asked) { asked.onloadend = null; asked.abort(); } });
})();
</script>"""


def serve_website(
    folder: Path,
    port: int,
    rebuild: Callable[[], None],
    images: Path,
    watched: Iterable[Path],
    complain: Callable[[str], None],
) -> None:
    """Serve `folder` on localhost until interrupted; when something watched changes, rebuild and reload.

    Of `images` only the folder itself is watched. `complain` is given a line for every rebuild that failed.
    Raises `WebsiteError` when the port is taken.
    """
    try:
        server = _Server(folder, port, complain)
    except OSError as error:
        raise WebsiteError(f"expected a free port, received {port}: {error.strerror}: use --port") from None
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            _follow(server, rebuild, images, tuple(watched))
        finally:
            server.shutdown()


def _follow(server: "_Server", rebuild: Callable[[], None], images: Path, watched: Iterable[Path]) -> None:
    """Rebuild after every change, for ever."""
    before = dict(_look(images, watched))
    while True:
        time.sleep(LOOK)
        now = dict(_look(images, watched))
        if now == before:
            continue
        while (later := dict(_look(images, watched))) != now:  # somebody is still writing
            now = later
            time.sleep(LOOK / 5)
        before = now
        with server.news:
            server.is_rebuilding = True
        try:
            rebuild()
        except (KeyboardInterrupt, StoppedError):
            raise
        except BaseException as error:  # also what ends a program, such as `SystemExit` in a hook of MkDocs
            with suppress(OSError):  # nobody may be listening
                server.complain(in_words(error))
        with server.news:
            server.is_rebuilding = False
            server.version += 1
            server.news.notify_all()


def in_words(error: BaseException) -> str:
    """Say in a line what ended a rebuild."""
    if isinstance(error, GalleryError):
        return str(error)
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"expected to build the website again, received {reason}: it is as it was, until the next change"


def _look(images: Path, watched: Iterable[Path]) -> Iterator[tuple[str, tuple]]:
    """Yield the paths of what is watched, with what tells one state of a file from another."""
    seen: set[tuple[int, int]] = set()
    todo = [(os.fspath(path), True) for path in watched]
    with suppress(OSError):
        todo += [(entry.path, False) for entry in os.scandir(images)]
    while todo:
        path, is_deep = todo.pop()
        with suppress(OSError):  # what is gone meanwhile, and links that lead nowhere
            found = Path(path).stat()
            if not stat.S_ISDIR(found.st_mode):
                yield path, (found.st_mtime_ns, found.st_size, found.st_ino)
            elif is_deep and (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                todo += [(entry.path, True) for entry in os.scandir(path)]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, port: int, complain: Callable[[str], None]):
        super().__init__((HOST, port), _Handler)
        self.folder, self.complain = folder, complain
        self.hosts = {f"{name}:{self.server_address[1]}" for name in NAMES}
        if self.server_address[1] == 80:  # browsers leave it out
            self.hosts.update(NAMES)
        self.news = threading.Condition()  # held by whoever reads or changes what follows
        self.version = time.time_ns()  # another one for every run, so that pages of an earlier one reload
        self.is_rebuilding = False

    def handle_error(self, _request, _address) -> None:
        """Say in one line what is no visitor that went away in the middle."""
        error = sys.exception()
        if not isinstance(error, OSError):
            with suppress(OSError):
                self.complain(f"expected to answer a request, received {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "activation-gallery", ""
    error_content_type, error_message_format = "text/plain", "%(code)d %(message)s: %(explain)s\n"
    timeout = PATIENCE  # seconds for a request to arrive and an answer to leave

    def log_message(self, *_) -> None:
        """Say nothing of requests."""

    def do_GET(self) -> None:
        """Answer with a file, or, where a page waits for news, with the number of the last rebuild."""
        named = self.headers.get_all("Host", ())
        if len(named) != 1 or named[0].strip().lower() not in self.server.hosts:  # another site's page asks
            address = f"http://{HOST}:{self.server.server_address[1]}/"
            self.send_error(HTTPStatus.FORBIDDEN, explain=f"this server is for this machine, at {address}")
            return
        path = self.path.partition("?")[0].partition("#")[0]
        if path.startswith(POLL):
            self._tell_news(path.removeprefix(POLL))
            return
        with self.server.news:
            version = self.server.version
        found = self._find(path)
        if found is None:  # between the two renames of a build there is no website
            with self.server.news:
                self.server.news.wait_for(lambda: not self.server.is_rebuilding, PATIENCE)
            found = self._find(path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif isinstance(found, str):
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", found)
            self.end_headers()
        else:
            self._send_file(found, version)

    do_HEAD = do_GET  # noqa: N815

    def _tell_news(self, version: str) -> None:
        with self.server.news:
            if self.command == "GET":
                self.server.news.wait_for(lambda: str(self.server.version) != version, PATIENCE)
            content = str(self.server.version).encode()
        self._send(BytesIO(content), len(content), "text/plain")

    def _find(self, path: str) -> BinaryIO | str | None:
        """Return an open file of the website, the address of a folder that was meant, or `None`."""
        try:
            name = unquote_to_bytes(path).decode()
            inside = posixpath.normpath(name.lstrip("/"))
            if not name.startswith("/") or "\0" in name or inside.startswith("../") or inside == "..":
                return None
            root = Path(os.path.realpath(self.server.folder))
            real = Path(os.path.realpath(root / inside, strict=True))
            if not real.is_relative_to(root):
                return None
            if real.is_dir() and not name.endswith("/"):
                return quote(f"/{inside}/") if (real / "index.html").is_file() else None
            if name.endswith("/"):
                real = Path(os.path.realpath(real / "index.html", strict=True))
            # a link may lead out, and a pipe would keep us waiting
            return real.open("rb") if real.is_relative_to(root) and real.is_file() else None
        except (OSError, ValueError):  # no text, no such file, or nothing that the system takes as a path
            return None

    def _send_file(self, file: BinaryIO, version: int) -> None:
        with file:
            name = os.fspath(file.name)
            kind, packed = mimetypes.guess_type(name)
            kind = "application/gzip" if packed else kind or "application/octet-stream"
            if name.endswith((".js", ".mjs")):  # what the system says of these may be wrong
                kind = "text/javascript"
            if kind != "text/html":
                self._send(file, os.fstat(file.fileno()).st_size, kind)
                return
            head, end, tail = file.read().rpartition(b"</body>")
            content = head + (SCRIPT % {"version": version}).encode() + end + tail
            self._send(BytesIO(content), len(content), kind)

    def _send(self, file: BinaryIO, size: int, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        if self.command != "HEAD":
            shutil.copyfileobj(file, self.wfile, 1 << 20)
