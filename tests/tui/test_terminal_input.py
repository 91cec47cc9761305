"""Keys as terminals send them: what edits a field never switches a toggle."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from playground.tui.app import PlaygroundApp
from playground.tui.screens.overlays.help import HelpScreen
from playground.tui.widgets.prompt import Prompt
from tests.tui.cells import shown
from tests.tui.settling import settle

Opened = Callable[..., AbstractAsyncContextManager[tuple[PlaygroundApp, Pilot[None]]]]
Wait = Callable[..., Any]


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ("\x1b\x7f", "one two "),
        ("\x1b[127;3u", "one two "),
        ("\x1b[127;5u", "one two "),
        ("\x1b[119;3u", "one two "),
        ("\x15", ""),
        ("\x01\x1b[100;3u", "two three"),
        ("\x01\x1b[3;3~", "two three"),
        ("\x01\x1b[1;5C\x1b[107;3u", "one"),
    ],
)
async def test_what_edits_the_prompt_switches_nothing(opened: Opened, sent: str, left: str) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*"one two three")
        before = app.bridge.state.toggles.requested
        for event in XTermParser().feed(sent):
            app.post_message(event)
        await settle(pilot)
        assert app.screen.query_one(Prompt).text.strip() == left.strip()
        assert app.bridge.state.toggles.requested == before and not app.bridge.state.toggles.switching


@pytest.mark.parametrize("sent", ["\x1b\x7f", "\x1b[127;3u", "\x1b[127;5u", "\x17"])
async def test_a_word_is_deleted_to_the_left_in_a_field(opened: Opened, until: Wait, sent: str) -> None:
    async with opened() as (app, pilot):
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"one two", "home", "ctrl+right")
        [event] = [each for each in XTermParser().feed(sent) if isinstance(each, Key)]
        app.post_message(event)
        await until(pilot, lambda: app.focused.value == "two")


async def test_keys_that_delete_are_told(opened: Opened) -> None:
    async with opened(size=(120, 80)) as (app, pilot):
        await pilot.press("f1")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
        for key in ("Alt+⌫", "Alt+K", "^Z"):
            assert key in shown(app)
