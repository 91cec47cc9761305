"""Sends a prompt as one does at the keyboard."""

from __future__ import annotations

from textual.pilot import Pilot

from playground.tui.widgets.prompt import Prompt


async def send(pilot: Pilot[None], text: str) -> None:
    """Type into the prompt, and press Enter."""
    prompt = pilot.app.screen.query_one(Prompt)
    prompt.focus()
    prompt.insert(text)
    await pilot.press("enter")
