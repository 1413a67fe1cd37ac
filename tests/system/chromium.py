"""A real browser, driven over a pipe by the Chrome DevTools Protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_PATIENCE_SECONDS = 300
_PROGRAM = "chromium-headless-shell"
needs_chromium = pytest.mark.skipif(
    shutil.which(_PROGRAM) is None, reason=f"{_PROGRAM} is not installed: .ci/system-packages"
)


class Page:
    """One tab. `complaints` is what its console and its content policy had to say, `requested`
    every address that it asked for."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb")
        self._in = os.fdopen(from_browser, "rb")
        self._number = 0
        self._session: dict[str, str] = {}
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """Ends the browser."""
        self._session = {}
        self.call("Browser.close")
        self._out.close()
        self._in.close()

    def open(self, file: Path) -> None:
        """Shows a file, when it is loaded."""
        self._loaded = False
        self.call("Page.navigate", url=file.as_uri())
        while not self._loaded:
            self._hear(self._message())

    def ask(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """The text of every element that the selector finds."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        answer: list[str] = self.ask(f"{found}.map(one => one.textContent)")
        return answer

    def show(self, *, scheme: str = "light", media: str = "screen", width: int = 1200) -> None:
        """Shows the page as people with this colour scheme, or on paper, see it."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )

    def picture(self, height: int) -> bytes:
        """What is seen of so many pixels from the top, as PNG."""
        clip = {"x": 0, "y": 0, "width": 1200, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def paper(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls the browser; answers its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result
            self._hear(answer)

    def _message(self) -> dict[str, Any]:
        read = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser has gone"
            read += byte
        message: dict[str, Any] = json.loads(read)
        return message

    def _hear(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(told["args"]))


@contextmanager
def chromium() -> Iterator[Page]:
    """A browser with one tab; ended by its own pid."""
    to_browser, from_page = os.pipe()[::-1], os.pipe()
    with TemporaryDirectory(prefix="reinstate-chromium-") as profile:
        arguments = [
            _PROGRAM,
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-gpu",
            # It shows our own page, where its sandbox may be forbidden: to root, in containers.
            "--no-sandbox",
        ]
        # It reads commands from descriptor 3 and answers on 4.
        wired = f'exec "$@" 3<&{to_browser[1]} 4>&{from_page[1]}'
        browser = subprocess.Popen(
            ["bash", "-c", wired, "bash", *arguments],
            pass_fds=(to_browser[1], from_page[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser[1])
        os.close(from_page[1])
        # Whoever waits for a browser that hangs sees it go.
        watchdog = threading.Timer(_PATIENCE_SECONDS, browser.kill)
        watchdog.start()
        try:
            page = Page(to_browser[0], from_page[0])
            yield page
            page.close()
            browser.wait(timeout=30)
        finally:
            watchdog.cancel()
            browser.kill()
            browser.wait()
