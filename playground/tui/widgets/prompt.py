"""The editor for prompts: Enter sends, up and down go through earlier prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult

from playground.text.plain import printable
from playground.tui.conversation.prompt_history import HeldPastes, PromptHistory
from playground.tui.voice.sound_path import sound_path

NEW_LINE_KEYS = ("ctrl+j", "shift+enter", "alt+enter")


class Prompt(TextArea):
    """Enter takes the text away; `give_back` returns that of a prompt which failed. ^W, ^K and ^F switch toggles here,
    so other keys delete."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+w", "delete_word_left", show=False),
        Binding("alt+d", "delete_word_right", show=False),
        Binding("alt+k", "delete_to_end_of_line", show=False),
    ]

    class Submitted(Message):
        """Enter was pressed; `shown` is the text in the editor, `text` what to send."""

        def __init__(self, text: str, shown: str) -> None:
            super().__init__()
            self.text, self.shown = text, shown

    class SoundDropped(Message):
        """A sound file was dropped or pasted here."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, **widget: Any) -> None:
        super().__init__(compact=True, highlight_cursor_line=False, show_line_numbers=False, **widget)
        self.cursor_blink = False  # nothing moves at rest
        self._history = PromptHistory()
        self._pastes = HeldPastes()

    def give_back(self, shown: str) -> None:
        """Put back a prompt that failed, unless something else is being typed; the history has it in any case."""
        if not self.text:
            self._put(shown)

    def offer(self, text: str) -> None:
        """Put in a prompt from elsewhere; what is being typed goes to the history."""
        if self.text:
            self._history.add(self.text)
        self._put(self._pastes.hold(text))

    def propose(self, prompts: Sequence[str]) -> None:
        """Let the up key go through these first; what is being typed stays."""
        self._history.propose(prompts)

    def add_spoken(self, text: str) -> None:
        """Insert a transcript at the cursor, with a space between it and the typed text."""
        text = self._pastes.hold(text)
        before = self.get_text_range(self.document.start, self.cursor_location)
        self.insert(f" {text}" if before and not before[-1].isspace() else text)

    def insert(self, text: str, *where: Any, **how: Any) -> EditResult:
        """Insert what a terminal only prints: a prompt may come from a file or from the clipboard."""
        return super().insert(printable(text), *where, **how)

    def action_cursor_up(self, select: bool = False) -> None:
        if select or not self._recall(-1, at_edge=self.cursor_at_first_line):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if select or not self._recall(1, at_edge=self.cursor_at_last_line):
            super().action_cursor_down(select)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._submit()
        elif event.key in NEW_LINE_KEYS:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif await self._edits(event.key):
            event.stop()
            event.prevent_default()
        elif event.key.startswith("alt+"):
            event.prevent_default()  # TextArea would insert the letter

    async def _edits(self, key: str) -> bool:
        """Does what `key` is bound to here, if anything. On its way up to the app's bindings the next key, which may be
        a letter or Enter, would overtake it."""
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if await self.app.run_action(binding.action, self):
                return True
        return False

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if path := sound_path(event.text):
            self.post_message(self.SoundDropped(path))
        else:
            self.insert(self._pastes.hold(event.text))

    def _submit(self) -> None:
        """Clears the editor at once: what is typed next belongs to another prompt, however late this one is read."""
        shown, self.text = self.text, ""
        if shown.strip():
            self._history.add(shown)
        self.post_message(self.Submitted(self._pastes.expand(shown), shown))

    def _recall(self, by: int, at_edge: bool) -> bool:
        text = self._history.step(by, self.text) if at_edge else None
        if text is None:
            return False
        self._put(text)
        return True

    def _put(self, text: str) -> None:
        self.text = printable(text)
        self.move_cursor(self.document.end)
