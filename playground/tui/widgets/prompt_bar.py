"""The prompt with what it is sent as."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from playground.tui.widgets.prompt import Prompt

CHAT, BASE = "chat", "base"


class PromptBar(Horizontal):
    """`>` before, base or chat after."""

    DEFAULT_CSS = """
    PromptBar {
        height: auto; max-height: 8; padding: 0 1;
        & > .sign { width: 2; color: $meaning-waiting; }
        & > .mode { width: auto; margin-left: 1; }
        &:focus-within > .sign { color: $accent; text-style: bold; }
        & > Prompt { width: 1fr; height: auto; max-height: 8; border: none; padding: 0; background: $background; }
    }
    """

    def __init__(self, prompts: Sequence[str]) -> None:
        super().__init__()
        self._prompts = prompts
        self._mode = Static(classes="mode")
        self._chat: bool | None = None

    def compose(self) -> ComposeResult:
        yield Static(">", classes="sign")
        yield Prompt(self._prompts, placeholder="Type a prompt", id="prompt")
        yield self._mode

    def show(self, chat: bool) -> None:
        """How prompts are sent."""
        if chat != self._chat:
            self._chat = chat
            on, off = "bold $accent", "$meaning-waiting"
            self._mode.update(Content.assemble((BASE, off if chat else on), " ", (CHAT, on if chat else off)))
