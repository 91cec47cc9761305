"""What was typed before, and pastes too large for the editor. Nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Sequence

from playground.text.plain import text_size

LARGEST_IN_EDITOR = 8_000
MOST_LINES_IN_EDITOR = 200


class PromptHistory:
    """Steps back and forth; what is typed at an entry, or after the last, waits there until a prompt is sent."""

    def __init__(self, prompts: Sequence[str] = ()) -> None:
        self._entries = list(prompts)
        self._at = len(self._entries)
        self._typed: dict[int, str] = {}

    def add(self, text: str) -> None:
        """A prompt was sent."""
        if not self._entries or self._entries[-1] != text:
            self._entries.append(text)
        self._at = len(self._entries)
        self._typed.clear()

    def step(self, by: int, current: str) -> str | None:
        """The entry before (-1) or after (1) the current one; None where there is none."""
        to = self._at + by
        if not 0 <= to <= len(self._entries):
            return None
        self._typed[self._at] = current
        self._at = to
        return self._typed[to] if to in self._typed else self._entries[to]


class HeldPastes:
    """A large paste stands in the editor as one short mark, and is put in its place when the prompt is sent."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def hold(self, text: str) -> str:
        """What to show in the editor for a paste: itself, or a mark."""
        if len(text) <= LARGEST_IN_EDITOR and text.count("\n") <= MOST_LINES_IN_EDITOR:
            return text
        mark = f"[{text_size(text)} pasted #{len(self._held) + 1}]"
        self._held[mark] = text
        return mark

    def expand(self, shown: str) -> str:
        """The prompt as it is sent."""
        for mark, text in self._held.items():
            shown = shown.replace(mark, text)
        return shown
