"""Screens that are not seen draw nothing, and show what happened meanwhile when they are."""

from __future__ import annotations

import pytest

from playground.protocol.commands import SamplingParams
from playground.tui.screens.batching import BatchingScreen
from playground.tui.screens.bench import BenchScreen
from playground.tui.screens.compare import CompareScreen
from playground.tui.screens.history.screen import HistoryScreen
from playground.tui.screens.inside import InsideScreen
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.sending import send
from tests.tui.settling import settle

KEYS = {"f3": BatchingScreen, "f4": CompareScreen, "f5": BenchScreen, "f6": InsideScreen, "f7": HistoryScreen}


async def test_only_the_screen_that_is_seen_is_drawn(
    opened: Opened, until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as (app, pilot):
        for key in (*KEYS, "f2"):
            await pilot.press(key)
            await settle(pilot)
        drawn = []
        for screen in KEYS.values():
            monkeypatch.setattr(screen, "show", lambda self: drawn.append(type(self)))
        app.bridge.refresh()
        await settle(pilot)
        await pilot.pause(0.2)
        assert drawn == []
        for key, screen in KEYS.items():
            await pilot.press(key)
            await until(pilot, lambda screen=screen: screen in drawn)
            drawn.clear()
            await pilot.press("f1")
            app.bridge.refresh()
            await until(pilot, lambda screen=screen: set(drawn) == {screen})
            await pilot.press("escape")


async def test_a_running_request_has_the_same_letter_on_every_screen(opened: Opened, until: Wait) -> None:
    async with opened(max_tokens=2000) as (app, pilot):
        for _ in range(2):
            await send(pilot, "add two numbers")
            await pilot.press("escape")
            await until(pilot, lambda: app.bridge.state.status == "idle")
        app.session.sampling = SamplingParams(max_tokens=2000, ignore_eos=True)
        await send(pilot, "add two numbers")
        await until(pilot, lambda: app.bridge.state.requests.running)
        for key in KEYS:
            await pilot.press(key)
            await until(pilot, lambda: " C running " in shown(app).split("\n")[0])
