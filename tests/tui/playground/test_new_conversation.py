"""^N lets go of the requests that have ended, and of nothing that still runs or is still to be drawn."""

from __future__ import annotations

from typing import Any

from playground.protocol.commands import SamplingParams
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
        await until(pilot, lambda: not requests.unfinished)
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
