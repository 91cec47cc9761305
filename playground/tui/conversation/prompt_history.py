"""Prompts typed before, and pastes too large for the editor."""

from __future__ import annotations

from collections.abc import Sequence

from playground.text.plain import text_size

LARGEST_IN_EDITOR = 8_000
MOST_LINES_IN_EDITOR = 200


class PromptHistory:
    """Steps back and forth; what is typed at an entry, or after the last, is kept there until a prompt is sent."""

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._at = 0
        self._typed: dict[int, str] = {}

    def add(self, text: str) -> None:
        """A prompt was sent."""
        if not self._entries or self._entries[-1] != text:
            self._entries.append(text)
        self._at = len(self._entries)
        self._typed.clear()

    def propose(self, prompts: Sequence[str]) -> None:
        """Prompts to begin with, as the newest entries; what was typed at an entry stays there."""
        at_end, end = self._at == len(self._entries), self._typed.pop(len(self._entries), None)
        self._entries += prompts
        if end is not None:
            self._typed[len(self._entries)] = end
        self._at = len(self._entries) if at_end else self._at

    def step(self, by: int, current: str) -> str | None:
        """The entry before (-1) or after (1) the current one; None if there is none."""
        to = self._at + by
        if not 0 <= to <= len(self._entries):
            return None
        self._typed[self._at] = current
        self._at = to
        return self._typed[to] if to in self._typed else self._entries[to]


class HeldPastes:
    """Shows a large paste in the editor as a short mark, and puts it back when the prompt is sent."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def hold(self, text: str) -> str:
        """The text to show in the editor for a paste: itself, or a mark."""
        if len(text) <= LARGEST_IN_EDITOR and text.count("\n") <= MOST_LINES_IN_EDITOR:
            return text
        mark = f"[{text_size(text)} pasted #{len(self._held) + 1}]"
        self._held[mark] = text
        return mark

    def expand(self, shown: str) -> str:
        """The prompt with its pastes, as it is sent."""
        for mark, text in self._held.items():
            shown = shown.replace(mark, text)
        return shown
