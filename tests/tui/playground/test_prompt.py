"""The prompt editor of the Playground screen: pastes, recalled prompts, keys faster than the screen reads them."""

from __future__ import annotations

import pytest
from textual.events import Key, Paste

from playground.tui.widgets.prompt import Prompt
from tests.tui.conftest import Opened, Wait


async def test_what_is_typed_right_after_enter_is_the_next_prompt(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        prompt = app.screen.query_one(Prompt)
        for key in ("o", "n", "e", "enter", "t", "w", "o", "enter", "t", "h"):  # faster than a busy screen reads them
            prompt.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: len(app.bridge.state.requests) == 2)
        assert [request.prompt for request in app.bridge.state.requests.values()] == ["one", "two"]
        assert prompt.text == "th"


async def test_a_megabyte_is_pasted_at_once(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        text = "0123456789abcdef\n" * 62_500
        prompt = app.screen.query_one(Prompt)
        prompt.post_message(Paste(text))
        await until(pilot, lambda: "1.1 MB pasted #1" in prompt.text, seconds=2)
        await pilot.press("!", "enter")
        await until(pilot, lambda: app.bridge.state.requests)
        assert app.bridge.state.requests["r1"].prompt == text + "!"
        await until(pilot, lambda: prompt.text == "[1.1 MB pasted #1]!")  # too long: it is given back


@pytest.mark.parametrize("lines", [3, 1000])
async def test_line_ends_of_a_paste_are_line_feeds(lines: int, opened: Opened, until: Wait) -> None:
    """Terminals send a paste's line ends as Enter does, as carriage returns."""
    async with opened() as (app, pilot):
        prompt = app.screen.query_one(Prompt)
        app.post_message(Paste("def f(x):\r    return x\r\n" * lines))
        await until(pilot, lambda: prompt.text)
        await pilot.press("enter")
        await until(pilot, lambda: app.bridge.state.requests)
        assert app.bridge.state.requests["r1"].prompt == "def f(x):\n    return x\n" * lines
        await until(pilot, lambda: not app.bridge.state.requests.unfinished)


async def test_prompts_of_the_preset_are_one_key_away(opened: Opened) -> None:
    async with opened() as (app, pilot):
        prompt = app.screen.query_one(Prompt)
        await pilot.press(*"mine", "up")
        assert prompt.text == "add two numbers"
        await pilot.press("down")
        assert prompt.text == "mine"
        await pilot.press("ctrl+j", *"two")
        assert prompt.text == "mine\ntwo"


async def test_keys_act_in_the_order_in_which_they_came(opened: Opened, until: Wait) -> None:
    """Letters and Enter do not overtake the keys that move, delete and recall, however fast they come."""
    async with opened() as (app, pilot):
        prompt = app.screen.query_one(Prompt)
        for key in ("a", "x", "backspace", "c", "left", "b", "end", "d"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: len(prompt.text) == 4)
        assert prompt.text == "abcd"
        for key in ("ctrl+u", "up", "enter"):
            app.post_message(Key(key, None))
        await until(pilot, lambda: app.bridge.state.requests)
        assert app.bridge.state.requests["r1"].prompt == "add two numbers"
        assert prompt.text == ""
