"""Screen 1 on a real speech worker: the first file of a session, and a worker that cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp
from playground.tui.widgets.prompt import Prompt
from tests.speech.speaking import silence, write_wav
from tests.tui.cells import shown

Opened = Callable[..., AbstractAsyncContextManager[tuple[PlaygroundApp, Pilot[None]]]]
Wait = Callable[..., Any]


async def test_the_first_file_of_a_session_has_its_bar_and_esc(opened: Opened, until: Wait, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", silence(60))
    async with opened() as (app, pilot):
        voice = app.bridge.state.voice
        app.screen.query_one(Prompt).insert(str(path))
        await pilot.press("enter")
        await until(pilot, lambda: voice.capabilities)
        assert voice.busy and not voice.finished
        await until(pilot, lambda: "transcribing" in shown(app) and "Esc stops" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: voice.finished and "transcribing" not in shown(app))
