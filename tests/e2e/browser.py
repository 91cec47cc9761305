"""A real browser: chromium without a window, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

# The page keeps its terminal to itself: the first object that anything calls its `terminal` is kept as `shown`.
FIND_TERMINAL = """Object.defineProperty(Object.prototype, "terminal", {configurable: true, set(value) {
  Object.defineProperty(this, "terminal", {value, writable: true, configurable: true});
  window.shown ??= value;
}})"""
READ_TERMINAL = """[...Array(window.shown?.rows ?? 0).keys()]
  .map((row) => shown.buffer.active.getLine(row).translateToString(true)).join("\\n")"""
ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}


class Browser:
    """One page, 1280x800, that believes to have the focus."""

    def __init__(self, program: str, home: Path) -> None:
        # No sandbox: it cannot have one where tests run as root, and shows only our own page.
        flags = ("--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0")
        command = [program, *flags, f"--user-data-dir={home}", "about:blank"]
        self._home = home
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._sent = 0

    async def __aenter__(self) -> Browser:
        port = await self._port()
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(target for target in await answer.json() if target["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        await self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.call("Page.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=FIND_TERMINAL)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.call("Browser.close")
        await self._session.close()
        await asyncio.to_thread(self._process.wait, 10)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the protocol, and its result."""
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": parameters})
        while (message := await self._socket.receive_json(timeout=30)).get("id") != self._sent:
            pass
        assert "result" in message, message
        return message["result"]

    async def open(self, url: str) -> None:
        """Go there."""
        await self.call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The value of some JavaScript."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def type(self, text: str) -> None:
        """As from a keyboard, and Enter."""
        await self.call("Input.insertText", text=text)
        await self.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **ENTER)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **ENTER)

    async def wait(self, done: Callable[[str], bool], seconds: float = 30.0) -> str:
        """The first screen of the page's terminal for which `done` holds."""
        deadline = time.monotonic() + seconds
        while not done(screen := await self.evaluate(READ_TERMINAL) or ""):
            assert time.monotonic() < deadline, f"still after {seconds} s:\n{screen}"
            await asyncio.sleep(0.1)
        return screen

    async def _port(self) -> str:
        """Chromium writes it, and then the rest of the file, once it listens."""
        deadline = time.monotonic() + 30
        file = self._home / "DevToolsActivePort"
        while not (file.exists() and "\n" in file.read_text()):
            assert time.monotonic() < deadline and self._process.poll() is None, "chromium did not start"
            await asyncio.sleep(0.1)
        return file.read_text().splitlines()[0]
