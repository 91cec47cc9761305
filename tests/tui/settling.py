"""Waits until the picture no longer changes, instead of for a time."""

from __future__ import annotations

from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp

LOOKS = 3  # a redraw may ask for another one


async def settle(pilot: Pilot[None]) -> None:
    """Wait until the replay is over, the history has answered, and every coalesced redraw is done."""
    app = pilot.app
    assert isinstance(app, PlaygroundApp)
    still = 0
    while still < LOOKS:
        await pilot.pause(0.01)
        await pilot.pause()
        still = 0 if _moves(app) else still + 1


def _moves(app: PlaygroundApp) -> bool:
    """Whether a worker or a replay runs, or a redraw is due: pump, board and numbers each keep a timer `_due`."""
    due = [getattr(each, "_due", None) for each in (app.bridge._updates, *app.screen.walk_children())]
    playing = app.bridge.replay is not None and not (app.bridge.replay.ended or app.bridge.replay.paused)
    return app.bridge._loop is None or playing or not all(worker.is_finished for worker in app.workers) or any(due)
