"""`playground serve`: the app in a real browser, closed to other sites, and gone when any part of it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.e2e.browser import Browser
from tests.worker.processes import seconds_until_gone


class Served:
    """`playground serve` as a process, from the line that it prints."""

    def __init__(self, home: Path, *words: str, **how: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        command = [sys.executable, "-m", "playground", "serve", "--port", self.address.partition(":")[2], *words]
        environment = os.environ | folders | {"PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **how)
        assert self.process.stdout
        self.said = self.process.stdout.readline()

    def family(self) -> list[psutil.Process]:
        """The apps and their workers."""
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*words: str) -> Served:
        started.append(Served(tmp_path, "--engine", "scripted", *words))
        return started[-1]

    yield start
    for served in started:
        served.process.terminate()
        assert served.process.communicate(timeout=30)[0] == "", "one line is all that it says"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed; `apt install chromium` does it")
    async with Browser(program, tmp_path / "chromium") as opened:
        yield opened


async def test_a_prompt_is_answered_in_the_page_and_ctrl_c_ends_it_all(serve, browser):
    served = serve("--set", "kv_cache=int8")
    assert f"http://{served.address} " in served.said
    await browser.open(f"http://{served.address}/")
    screen = await browser.wait(lambda screen: "idle" in screen)
    assert "KV cache   int8" in screen
    assert len(screen.splitlines()) == 40 and await browser.evaluate("shown.cols") == 142
    await browser.type("def add_numbers(a, b):")
    await browser.wait(lambda screen: "return a + b" in screen and "15 tokens" in screen)
    loaded = await browser.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert "RobotoMono-VariableFont_wght.ttf" in " ".join(loaded)
    assert all(name.startswith(f"http://{served.address}/") for name in loaded)
    family = served.family()
    assert len(family) == 3, "an app, its engine and the engine's supervisor, with no shell between"
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=10) == 0
    assert seconds_until_gone(*(process.pid for process in family)) < 1
    assert await browser.evaluate("getComputedStyle(document.querySelector('.ended')).display") == "grid"


async def test_a_page_that_is_left_ends_its_app(serve, browser):
    served = serve()
    await browser.open(f"http://{served.address}/")
    await browser.wait(lambda screen: "idle" in screen)
    family = served.family()
    await browser.open("about:blank")
    assert len(family) == 3 and seconds_until_gone(*(process.pid for process in family)) < 9


@pytest.mark.parametrize("part", ["server", "app"])
async def test_nothing_outlives_a_part_that_is_killed(serve, part):
    served = serve()
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{served.address}/ws") as page:
        await page.receive(timeout=30)
        family = served.family()
        (served.process if part == "server" else family[0]).send_signal(signal.SIGKILL)
        assert seconds_until_gone(*(process.pid for process in family)) < 9


async def test_an_app_that_hangs_is_ended_as_well(serve):
    served = serve()
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{served.address}/ws") as page:
        await page.receive(timeout=30)
        family = served.family()
        family[0].suspend()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=20) == 0
        assert seconds_until_gone(*(process.pid for process in family)) < 2


FOREIGN = {
    "another site": {"Origin": "https://elsewhere.example"},
    "another server of this machine": {"Origin": "http://127.0.0.1:1"},
    "a frame without an origin": {"Origin": "null"},
    "a name that was bent to this machine": {"Host": "elsewhere.example", "Origin": "http://elsewhere.example"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_pages_of_others_cannot_reach_the_app(serve, headers):
    served = serve()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"ws://{served.address}/ws", headers=headers)
        async with session.get(f"http://{served.address}/", headers=headers) as page:
            assert page.status == refused.value.status == 403
        async with session.get(f"http://{served.address}/") as page:
            assert page.status == 200 and "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert served.family() == []


async def test_keys_go_to_the_terminal_after_a_click_beside_it(serve, browser):
    served = serve()
    size = {"width": 1280, "height": 815, "deviceScaleFactor": 1, "mobile": False}
    await browser.call("Emulation.setDeviceMetricsOverride", **size)  # 40 rows of 20 pixels, and a strip below them
    await browser.open(f"http://{served.address}/")
    await browser.wait(lambda screen: "idle" in screen)
    assert await browser.evaluate("document.elementFromPoint(600, 813).closest('.xterm')") is None
    for kind in ("mousePressed", "mouseReleased"):
        await browser.call("Input.dispatchMouseEvent", type=kind, x=600, y=813, button="left", clickCount=1)
    await browser.type("def add_numbers(a, b):")
    await browser.wait(lambda screen: "15 tokens" in screen)


@pytest.mark.parametrize("after", [0.3, 0.8, 1.5])
async def test_ctrl_c_in_its_terminal_says_nothing_more(tmp_path, after):
    """A terminal interrupts the server and all its apps at once, at whatever they are doing."""
    with (tmp_path / "told").open("w+") as told:
        served = Served(tmp_path, "--engine", "scripted", stderr=told, start_new_session=True)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{served.address}/ws"):
            await asyncio.sleep(after)
            os.killpg(served.process.pid, signal.SIGINT)
            assert served.process.wait(timeout=20) == 0
        told.seek(0)
        assert (served.process.communicate()[0], told.read()) == ("", "")
