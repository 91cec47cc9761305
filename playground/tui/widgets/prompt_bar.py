"""The prompt, its mode and its sampling."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from playground.protocol.commands import SamplingParams
from playground.tui.prompt_mode import BASE, CHAT
from playground.tui.sampling_fields import in_short
from playground.tui.styles import MUTED
from playground.tui.widgets.prompt import Prompt

PROMPT_ROOM = 60  # for the prompt, the mode and the gaps


class PromptBar(Horizontal):
    """`>` before the prompt; after it base or chat, and the sampling if it is not the default."""

    DEFAULT_CSS = """
    PromptBar {
        height: auto; max-height: 8; padding: 0 1;
        & > .sign { width: 2; color: $meaning-waiting; }
        & > .mode { width: auto; margin-left: 1; }
        &:focus-within > .sign { color: $accent; text-style: bold; }
        & > Prompt { width: 1fr; height: auto; max-height: 8; border: none; padding: 0; background: $background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._mode = Static(classes="mode")
        self._chat, self._sampling = False, SamplingParams()

    def compose(self) -> ComposeResult:
        yield Static(">", classes="sign")
        yield Prompt(placeholder="Type a prompt", id="prompt")
        yield self._mode

    def show(self, chat: bool, sampling: SamplingParams) -> None:
        """Show how prompts are sent."""
        if (chat, sampling) != (self._chat, self._sampling):
            self._chat, self._sampling = chat, sampling
            self._show_mode()

    def propose(self, prompts: Sequence[str]) -> None:
        """Offer prompts to the up key."""
        self.query_one(Prompt).propose(prompts)

    def on_resize(self) -> None:
        """Shorten the sampling to the new width."""
        self._show_mode()

    def _show_mode(self) -> None:
        on, off = "bold $accent", MUTED
        short = in_short(self._sampling, self.size.width - PROMPT_ROOM)
        mode = Content.assemble((BASE, off if self._chat else on), " ", (CHAT, on if self._chat else off))
        self._mode.update(Content.assemble((f"{short}   ", "$accent"), mode) if short else mode)
