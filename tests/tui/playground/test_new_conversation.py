"""^N lets go of the requests that have ended, and of nothing that still runs or is still to be drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playground.protocol.commands import SamplingParams
from playground.session.recorder import Recorder
from playground.session.replay import read_recording
from playground.tui.app import PlaygroundApp
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait
from tests.tui.sending import send


async def test_a_new_conversation_lets_go_of_what_has_ended(opened: Opened, until: Wait, script: Any) -> None:
    async with opened(script(["word "] * 2000), max_tokens=20) as (app, pilot):
        requests = app.bridge.state.requests
        for sent in range(1, 4):
            await send(pilot, "short")
            await until(pilot, lambda sent=sent: len(requests) == sent and not requests.unfinished)
        app.session.sampling = SamplingParams(max_tokens=2000)
        await send(pilot, "long")
        await until(pilot, lambda: len(requests.unfinished) == 1)
        await pilot.press("ctrl+n")
        assert len(requests) == len(requests.unfinished) == 1, "what runs goes on"
        await pilot.press("escape")
        await until(pilot, lambda: not requests.unfinished and "stopped" in shown(app))
        await pilot.press("ctrl+n")
        assert not requests and "word" not in shown(app)
        await send(pilot, "after")
        await until(pilot, lambda: len(requests) == 1 and not requests.unfinished and "word word" in shown(app))


async def test_an_answer_that_ends_as_a_conversation_begins_is_drawn_to_its_end(
    opened: Opened, until: Wait, script: Any
) -> None:
    async with opened(script(["word "] * 20)) as (app, pilot):
        requests = app.bridge.state.requests
        app.bridge._updates.schedule = lambda: None  # type: ignore[method-assign]  # nothing is drawn for now
        await send(pilot, "x")
        await until(pilot, lambda: requests and not requests.unfinished)
        app.screen.handlers["new"]()  # type: ignore[attr-defined]
        del app.bridge._updates.schedule  # type: ignore[attr-defined]
        app.bridge.refresh()
        await until(pilot, lambda: "length limit" in shown(app) or "end ·" in shown(app))


@pytest.mark.parametrize("speed", [0.0, 4.0], ids=["in one frame", "frame by frame"])
async def test_a_replay_begins_a_new_conversation_where_it_began(
    opened: Opened, until: Wait, script: Any, tmp_path: Path, speed: float
) -> None:
    path = tmp_path / "session.jsonl"
    async with opened(script(["word "] * 20), recorder=Recorder(path, model="", engine="scripted")) as (app, pilot):
        requests = app.bridge.state.requests
        await send(pilot, "before")
        await until(pilot, lambda: requests and not requests.unfinished)
        await pilot.press("ctrl+n")
        await send(pilot, "after")
        await until(pilot, lambda: list(requests) == ["r2"] and not requests.unfinished)
    replayed = PlaygroundApp(engine="scripted", replay=read_recording(path), speed=speed)
    async with replayed.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "after" in shown(replayed) and "before" not in shown(replayed))
        await until(pilot, lambda: "word word" in shown(replayed) and list(replayed.bridge.state.requests) == ["r2"])
