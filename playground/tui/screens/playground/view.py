"""The widgets of the Playground screen, and what each of them is shown."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from playground.protocol.commands import SamplingParams
from playground.tui.advice import advice
from playground.tui.letters import Letters
from playground.tui.state.changes import Changes
from playground.tui.state.state import State
from playground.tui.widgets.board.board import BatchBoard
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.numbers_column import NumbersColumn
from playground.tui.widgets.prompt_bar import PromptBar
from playground.tui.widgets.status_line import StatusLine
from playground.tui.widgets.toggle_line import ToggleLine
from playground.tui.widgets.toggle_panel import TogglePanel
from playground.tui.widgets.transcript import Transcript
from playground.tui.widgets.voice_bar import VoiceBar

PANELS = ("toggles", "conversation", "speed", "memory", "switch", "timeline", "batch")
MOST_SLOTS = 8


class PlaygroundView:
    """The widgets of one state; requests get letters in order of appearance."""

    def __init__(self, state: State, letters: Letters) -> None:
        self._state, self._letters = state, letters
        self.status = StatusLine(self._letters)
        self.toggle_line = ToggleLine(id="toggle-line")
        self.toggles = TogglePanel(id="toggles", classes="panel")
        self.transcript = Transcript(self._letters, id="conversation", classes="panel")
        self.numbers = NumbersColumn(self._letters, state)
        self.board = BatchBoard(self._letters, id="batch", classes="panel")
        self.notice, self.voice, self.keys = Notice(), VoiceBar(), KeyBar()
        self.prompts = PromptBar()
        self.prompts.display = not state.replaying
        self.prompts.disabled = state.replaying

    def compose(self) -> ComposeResult:
        """The widgets from top to bottom."""
        yield self.status
        yield self.toggle_line
        with Horizontal(id="body"):
            yield from (self.toggles, self.transcript, self.numbers)
        yield from (self.board, self.notice, self.voice, self.prompts, self.keys)

    def take(self, changes: Changes) -> None:
        """Give new steps to the board and letters to new requests."""
        for request in changes.started:
            self._letters[request.request_id]
        if changes.unloaded:
            self.board.clear()
        self.board.show_server(self._state.server)
        if changes.steps:
            self.board.add_steps(changes.steps)
        if changes.finished:
            self.board.finish(request.request_id for request in changes.finished)

    def show(self, changes: Changes, chat: bool, sampling: SamplingParams) -> None:
        """Show what changed; most widgets only if it was more than text, steps and memory."""
        state = self._state
        self.status.show(state)
        if changes.other:
            self._show_other(chat, sampling)
        self.transcript.show(changes)
        self.numbers.show(changes)

    def consider(self) -> None:
        """Show what the value selected in the toggles would do."""
        self.numbers.consider(self.toggles.candidate, self.toggles.hint)

    def _show_other(self, chat: bool, sampling: SamplingParams) -> None:
        state = self._state
        self.toggles.show(state)
        self.toggle_line.show(state)
        self.board.styles.min_height = 1 + min(state.toggles.requested.max_batch, MOST_SLOTS)
        self.transcript.advise(advice(state))
        self.consider()
        self.notice.show(state)
        self.voice.show(state)
        self.prompts.show(chat, sampling)
