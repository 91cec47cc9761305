"""Waiting until a picture stands still, instead of for a time."""

from __future__ import annotations

from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp

STILL_S = 0.6  # longer than the slowest of the panels' own timers


async def settle(pilot: Pilot[None]) -> None:
    """The replay is over, however busy the machine is, and every coalesced redraw done."""
    app = pilot.app
    assert isinstance(app, PlaygroundApp)
    while app.bridge._loop is None or any(worker.name == "engine" for worker in app.workers):
        await pilot.pause(0.05)
    while app.bridge._due is not None:
        await pilot.pause(0.05)
    await pilot.pause(STILL_S)
    await pilot.pause()
