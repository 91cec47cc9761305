"""Starts a load as one does at the keyboard."""

from __future__ import annotations

from textual.pilot import Pilot

from playground.tui.app import PlaygroundApp
from playground.tui.screens.batching import BatchingScreen
from playground.tui.state.load_profile import LoadProfile
from playground.tui.widgets.batching.form import LoadForm
from tests.tui.conftest import Wait


async def run_load(app: PlaygroundApp, pilot: Pilot[None], until: Wait, profile: LoadProfile) -> None:
    """Go to F3, fill in the form, and press r."""
    await pilot.press("f3")
    await until(pilot, lambda: isinstance(app.screen, BatchingScreen))
    app.screen.query_one(LoadForm).set(profile)
    await pilot.press("r")
