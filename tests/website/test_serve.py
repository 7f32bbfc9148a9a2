"""The live server goes on, whatever a request or a rebuild does, and answers nobody but this machine.

Asked over sockets of its own, since a client library would correct what is wrong on purpose.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

PROGRAM = """
import shutil, sys
from pathlib import Path
from generator.storage import website_folder
from generator.core.errors import OutputError, WebsiteError
from generator.website.serve import serve_website

root, port = Path(sys.argv[1]), int(sys.argv[2])
errors = {each.__name__: each for each in (
    ValueError, OutputError, WebsiteError, OSError, MemoryError, RecursionError, SystemExit,
    ZeroDivisionError, GeneratorExit, UnicodeError)}

def rebuild():
    wanted = (root / "watched/page.md").read_text()
    if wanted in errors:
        raise errors[wanted](*(["two\\nlines"] if wanted != "MemoryError" else []))
    with website_folder.successor(root / "site", {}) as fresh:
        shutil.copytree(root / "site", fresh, dirs_exist_ok=True, symlinks=True)
        (fresh / "index.html").write_text(f"<body>{wanted}</body>")

def complain(line):
    print("activation-gallery:", line.replace("\\n", " "), file=sys.stderr, flush=True)

serve_website(root / "site", port, rebuild, root / "images", [root / "watched", root / "later.yml"], complain)
"""


class Served:
    """A running server, what it was asked, and what it said."""

    def __init__(self, root: Path):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.root, self.site, self.said = root, root / "site", root / "stderr"
        with self.said.open("wb") as said:
            command = [sys.executable, "-c", PROGRAM, root, str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=said, stdout=said)

    def send(self, request: bytes, wait: float = 20) -> bytes:
        """Send bytes and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as visitor:
            visitor.sendall(request)
            answer = b""
            while more := visitor.recv(1 << 16):
                answer += more
        return answer

    def ask(self, path: str | bytes, host: str | None = None, method: str = "GET") -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        path = path if isinstance(path, bytes) else path.encode("latin-1")
        name = f"127.0.0.1:{self.port}" if host is None else host
        answer = self.send(b"%s %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (method.encode(), path, name.encode()))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def shows(self, words: bytes, seconds: float = 30) -> bool:
        return within(lambda: words in self.ask("/")[1], seconds)

    def change(self, text: str, path: str = "watched/page.md") -> None:
        fresh = self.root / "fresh"
        fresh.write_text(text)
        fresh.rename(self.root / path)  # as editors do


def within(test: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if test():
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def started(root: Path) -> Iterator[Served]:
    (root / "site/gallery/images").mkdir(parents=True)
    (root / "site/index.html").write_text("<body>first</body>")
    (root / "site/gallery/images/index.html").write_text("<body>images</body>")
    (root / "site/gallery/colours.js").write_text("colours = 1")
    (root / "site/sitemap.xml.gz").write_bytes(b"x")
    (root / "site/.activation-gallery.json").write_text("{}")
    (root / "watched").mkdir()
    (root / "images").mkdir()
    (root / "watched/page.md").write_text("first")
    (root / "secret.txt").write_text("secret")
    served = Served(root)
    try:
        assert served.shows(b"first"), served.said.read_text()
        yield served
        assert served.process.poll() is None
        assert "Traceback" not in served.said.read_text()
    finally:
        served.process.kill()
        served.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A server of one small website, for requests alone."""
    yield from started(tmp_path_factory.mktemp("served"))


@pytest.fixture
def rebuilt(tmp_path) -> Iterator[Served]:
    """A server of its own, for rebuilds."""
    yield from started(tmp_path)


PATHS = [
    "/%00",
    "/index.html%00",
    "/%00/index.html",
    "/a%00/../index.html",
    "/%ff",
    "/%ff/",
    "/%c3%28",
    "/\xff",
    "/%ed%a0%80",
    "/" + "a" * 300,
    "/" + "a/" * 3000,
    "/" + "%61" * 5000,
    "/..",
    "/../",
    "/../index.html",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/a/../../secret.txt",
    "/gallery/../../secret.txt",
    "/....//secret.txt",
    "/..\\secret.txt",
    "/%5c..%5csecret.txt",
    "//secret.txt",
    "/out.txt",
    "/out/secret.txt",
    "/out",
    "/out/",
    "/round",
    "/round/",
    "/round/x",
    "/pipe",
    "/gallery/pipe/",
    "/gallery",
    "/gallery/",
    "/index.html/",
    "/index.html/x",
    "/nothing.html",
    "/%",
    "/%zz",
    "/?",
    "/#",
    "*",
    "index.html",
    "http://127.0.0.1/index.html",
    "/livereload",
    "/\x00",
    "/%0d%0aSet-Cookie:%20a=b",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda each: ascii(each)[:30])
def test_what_is_no_file_of_the_site_is_not_found_and_nothing_more(served, path):
    for link, target in (
        ("out.txt", "../secret.txt"),
        ("out", ".."),
        ("round", "round"),
        ("fine", "gallery"),
    ):
        if not os.path.lexists(served.site / link):
            (served.site / link).symlink_to(target)
    if not (served.site / "pipe").exists():
        os.mkfifo(served.site / "pipe")
    for method in ("GET", "HEAD"):
        status, body = served.ask(path, method=method)
        assert status == (200 if path in ("/?", "/#") else 404)
        assert b"secret" not in body.replace(b"secret.txt", b"")
        assert not body or method == "GET"
    assert served.ask("/")[0] == 200


def test_what_is_a_file_of_the_site_is_sent(served):
    status, body = served.ask("/")
    assert status == 200 and body.startswith(b"<body>first<script>") and body.endswith(b"</script></body>")
    assert served.ask("/gallery/colours.js?x=1#y") == (200, b"colours = 1")
    assert served.ask("/%67allery/./images/../colours.js") == (200, b"colours = 1")
    assert served.ask("/gallery/images/")[1].startswith(b"<body>images<script>")
    answer = served.send(b"GET /gallery/images HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % served.port)
    assert b" 302 " in answer and b"\r\nLocation: /gallery/images/\r\n" in answer
    answer = served.send(b"GET /gallery/colours.js HTTP/1.0\r\nHost: localhost:%d\r\n\r\n" % served.port)
    assert b"\r\nContent-Type: text/javascript\r\nContent-Length: 11\r\n" in answer
    assert b"application/gzip" in served.send(
        b"GET /sitemap.xml.gz HTTP/1.0\r\nHost: localhost:%d\r\n\r\n" % served.port
    )


def test_a_head_request_has_the_length_and_no_body(served):
    for path in ("/", "/gallery/colours.js"):
        request = f" {path} HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode()
        head, _, nothing = served.send(b"HEAD" + request).partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        assert nothing == b"" and length == len(served.send(b"GET" + request).partition(b"\r\n\r\n")[2])


def test_only_this_machine_is_answered(served):
    version = re.search(r'livereload/(\d+)"', served.ask("/")[1].decode())[1]
    good = ["localhost", "127.0.0.1", "[::1]", "LocalHost"]
    for path in ("/", "/gallery/colours.js", "/livereload/1"):
        for name in good:
            assert served.ask(path, f"{name}:{served.port}")[0] == 200, name
    bad = [
        *good,
        "",
        "evil.example",
        f"evil.example:{served.port}",
        f"localhost.evil.example:{served.port}",
        f"127.0.0.1:{served.port + 1}",
        f"localhost:{served.port}@evil.example",
        f"localhost:{served.port}x",
        f"evil.example, localhost:{served.port}",
        f"127.0.0.2:{served.port}",
        "[::1",
        f"0.0.0.0:{served.port}",
        f"[::ffff:127.0.0.1]:{served.port}",
        f"localhost:0{served.port}",
        "\xff",
        "x" * 5000,
    ]
    for path in ("/", "/gallery/colours.js", "/nothing", f"/livereload/{version}", "/livereload/1"):
        for name in bad:
            for method in ("GET", "HEAD"):
                status, body = served.ask(path, name, method)
                assert status == 403 and b"first" not in body and version.encode() not in body, name
    for lines in (
        b"",
        b"Host: localhost:%d\r\nHost: evil.example\r\n",
        b"X-Forwarded-Host: localhost:%d\r\n",
    ):
        filled = lines % served.port if b"%d" in lines else lines
        assert b" 403 " in served.send(b"GET / HTTP/1.1\r\n" + filled + b"\r\n").partition(b"\r\n")[0]
    assert b"403" in served.send(b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/x\r\n\r\n",
        b"\x16\x03\x01\x02",
        b"GET / / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        b"\x00" * 100,
        b"\xff\xfe\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        b"G" * 70_000,
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"<GET> / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
        b"",
    ],
    ids=lambda each: ascii(each)[2:20],
)
def test_what_is_no_request_does_not_matter(served, request_):
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as visitor:
        visitor.sendall(request_)
        visitor.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while more := visitor.recv(1 << 16):
                answer += more
        except ConnectionError:  # it does not read all of what is too long
            pass
    assert b"first" not in answer and b" 500 " not in answer and b"Traceback" not in answer
    assert served.ask("/")[0] == 200


def test_visitors_that_go_away_or_say_nothing_keep_nobody_waiting(served):
    silent = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(100)]
    for visitor in silent[:50]:
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    for _ in range(20):
        visitor = socket.create_connection(("127.0.0.1", served.port))
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # with a reset
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % served.port)
        visitor.close()
    assert served.ask("/")[0] == 200
    for visitor in silent:
        visitor.close()


ERRORS = {
    "ValueError": "ValueError: two lines",
    "OutputError": "two lines",
    "WebsiteError": "two lines",
    "OSError": "OSError: two lines",
    "MemoryError": "received MemoryError:",
    "RecursionError": "RecursionError: two",
    "SystemExit": "SystemExit: two lines",
    "ZeroDivisionError": "two lines",
    "GeneratorExit": "two lines",
    "UnicodeError": "two lines",
}


def test_a_rebuild_that_fails_is_one_line_and_the_next_one_is_made(rebuilt):
    for number, (name, words) in enumerate(ERRORS.items()):
        rebuilt.change(name)
        assert within(lambda before=number: rebuilt.said.read_text().count("\n") == before + 1), name
        line = rebuilt.said.read_text().splitlines()[-1]
        assert line.startswith("activation-gallery: ") and words in line
        assert b"first" in rebuilt.ask("/")[1] and rebuilt.ask("/nothing")[0] == 404
    rebuilt.change("second")
    assert rebuilt.shows(b"second")
    assert rebuilt.said.read_text().count("\n") == len(ERRORS)


def test_every_change_is_noticed_also_of_what_was_not_there(rebuilt):
    def rebuilds(change: Callable[[], object]) -> bool:
        version = rebuilt.ask("/livereload/1")[1]
        change()
        return within(lambda: rebuilt.ask("/livereload/1")[1] != version)

    watched, images = rebuilt.root / "watched", rebuilt.root / "images"
    assert rebuilds(lambda: rebuilt.change("x", "later.yml"))
    assert rebuilds((rebuilt.root / "later.yml").unlink)
    assert rebuilds(lambda: rebuilt.change("y", "later.yml"))
    assert rebuilds(lambda: rebuilt.change("a", "images/a.png"))
    assert rebuilds(lambda: (images / "a.png").unlink() or images.rmdir())
    assert rebuilds(lambda: images.mkdir() or rebuilt.change("a", "images/a.png"))
    (watched / "round").symlink_to(watched)
    (watched / "again").symlink_to(watched)
    os.mkfifo(watched / "pipe")
    (watched / "nothing").symlink_to("nowhere")
    assert rebuilds(lambda: rebuilt.change("third"))
    assert rebuilt.shows(b"third")


def test_a_page_that_waits_is_told_of_a_rebuild(rebuilt):
    version = re.search(r'livereload/(\d+)"', rebuilt.ask("/")[1].decode())[1].encode()
    with socket.create_connection(("127.0.0.1", rebuilt.port), timeout=60) as visitor:
        visitor.sendall(
            b"GET /livereload/%s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (version, rebuilt.port)
        )
        visitor.settimeout(0.5)
        with pytest.raises(TimeoutError):
            visitor.recv(1)
        visitor.settimeout(60)
        rebuilt.change("second")
        answer = b""
        while more := visitor.recv(1 << 16):
            answer += more
    head, _, news = answer.partition(b"\r\n\r\n")
    assert b" 200 " in head and news.isdigit() and news != version
    assert rebuilt.shows(b"second")
    assert news in rebuilt.ask("/")[1]


def test_a_port_that_is_taken_is_said_in_one_line(served, tmp_path):
    from generator.core.errors import WebsiteError
    from generator.website.serve import serve_website

    with pytest.raises(WebsiteError, match=f"expected a free port, received {served.port}"):
        serve_website(tmp_path, served.port, lambda: None, tmp_path, (), print)
