"""The editor of prompts, alone."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from playground.tui.conversation.prompt_history import LARGEST_IN_EDITOR
from playground.tui.widgets.prompt import Prompt


class PromptApp(App[None]):
    """Keeps what was submitted."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = ""

    def compose(self) -> ComposeResult:
        yield Prompt()

    def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        self.sent = message.text


@pytest.mark.parametrize("bring", [Prompt.offer, Prompt.add_spoken], ids=["offered", "spoken"])
async def test_a_long_text_from_elsewhere_is_a_mark_until_it_is_sent(bring) -> None:
    app, text = PromptApp(), "word " * LARGEST_IN_EDITOR
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        prompt.focus()
        bring(prompt, text)
        assert prompt.text == "[40 kB pasted #1]"
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == text
