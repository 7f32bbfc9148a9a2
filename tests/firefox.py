"""Firefox, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) as a visitor would use it.

Automation usually loosens what Firefox allows pages from the disk, which hides failures that visitors see;
`remote.prefs.recommended` keeps it from doing so.
"""

import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from websockets.sync.client import connect

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
PREFERENCES = {
    "remote.prefs.recommended": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtab.preload": False,
    "browser.newtabpage.enabled": False,  # it loads pictures from elsewhere, sooner or later
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
}
EVENTS = ["log.entryAdded", "network.beforeRequestSent", "network.fetchError"]
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}
SECONDS = 60  # for one command; a busy machine starts Firefox slowly


class Firefox:
    """One window with a fresh profile: `with Firefox() as page: page.open(url)`.

    `requests` has the addresses that were asked for, except files, of which Firefox does not tell;
    `complaints` what went to the console as an error, and requests that failed. Both are up to the latest
    command. Raises `RuntimeError` where a command fails.
    """

    def __init__(self, **preferences: Any):
        self.preferences = PREFERENCES | preferences
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._commands = 0

    def __enter__(self) -> "Firefox":
        with ExitStack() as stack:
            self._profile = Path(
                stack.enter_context(TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True))
            )
            lines = (
                f"user_pref({json.dumps(key)}, {json.dumps(to)});" for key, to in self.preferences.items()
            )
            (self._profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
            command = [FIREFOX, "--headless", "--remote-debugging-port=0", "--profile", self._profile]
            quiet = subprocess.DEVNULL
            self._process = stack.enter_context(subprocess.Popen(command, stdout=quiet, stderr=quiet))
            stack.callback(self._process.kill)
            self._socket = stack.enter_context(connect(self._address(), max_size=None))
            self._send("session.new", capabilities={})
            self._context = self._send("browsingContext.getTree")["contexts"][0]["context"]
            self.open("about:blank")  # leaves the page that Firefox begins with, before anyone listens
            self._send("session.subscribe", events=EVENTS, contexts=[self._context])
            self._leave = stack.pop_all().close  # all went well: keep it until the window is closed
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _address(self) -> str:
        """Return where Firefox listens, which it writes into its profile."""
        told, end = self._profile / "WebDriverBiDiServer.json", time.monotonic() + SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                found = json.loads(told.read_text(encoding="utf-8"))
                return f"ws://{found['ws_host']}:{found['ws_port']}/session"
            except (FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.05)
        raise RuntimeError(f"Firefox did not start: {self._process.poll()}")

    def open(self, url: str) -> None:
        """Go to `url` and wait until all of it is loaded."""
        self._send("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def resize(self, width: int, height: int) -> None:
        """Give the window's inside this size in CSS pixels."""
        size = {"width": width, "height": height}
        self._send("browsingContext.setViewport", context=self._context, viewport=size)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, a promise's once it is kept, by way of JSON."""
        wrapped = f"(async () => JSON.stringify([await ({expression})]))()"
        target = {"context": self._context}
        done = self._send("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        if done["type"] == "exception":
            raise RuntimeError(f"{expression}: {done['exceptionDetails']['text']}")
        return json.loads(done["result"]["value"])[0]

    def wait(self, expression: str, seconds: float = 20) -> Any:
        """Return the value of an expression as soon as it is true; raises `TimeoutError`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.evaluate(expression):
                return value
            time.sleep(0.05)
        raise TimeoutError(f"{expression} after {seconds} s; {self.complaints}")

    def point(self, selector: str, x: float = 0.5, y: float = 0.5) -> None:
        """Bring an element into view and the pointer onto it, at these shares of its width and height."""
        self._act("pointer", [self._move(selector, x, y)])

    def click(self, selector: str, x: float = 0.5, y: float = 0.5) -> None:
        """Click on an element as with the mouse, at these shares of its width and height."""
        clicks = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act("pointer", [self._move(selector, x, y), *clicks])

    def press(self, *keys: str) -> None:
        """Press keys one after another: characters, or those named in `KEYS`."""
        values = [KEYS.get(key, key) for key in keys]
        self._act("key", [{"type": kind, "value": key} for key in values for kind in ("keyDown", "keyUp")])

    def _move(self, selector: str, x: float, y: float) -> dict[str, Any]:
        left, top = self.evaluate(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            " found.scrollIntoView({ block: 'center', behavior: 'instant' });"
            " const box = found.getBoundingClientRect();"
            f" return [box.left + {x} * box.width, box.top + {y} * box.height]; }})()"
        )
        return {"type": "pointerMove", "x": int(left), "y": int(top)}

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self._send("input.performActions", context=self._context, actions=[source])

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._commands += 1
        self._socket.send(json.dumps({"id": self._commands, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(SECONDS))).get("id") != self._commands:
            self._note(answer.get("method"), answer["params"])
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "network.beforeRequestSent":
            self.requests.append(told["request"]["url"])
        elif event == "network.fetchError" and told["errorText"] != "NS_BINDING_ABORTED":  # by the next page
            self.complaints.append(f"failed: {told['request']['url']}: {told['errorText']}")
        elif event == "log.entryAdded" and told["level"] == "error":
            self.complaints.append(told["text"])
