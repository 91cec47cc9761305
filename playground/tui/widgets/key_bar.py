"""The footer: the keys that work now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.tui.actions import Place, ScreenName, footer_actions
from playground.tui.state.state import State
from playground.tui.styles import MUTED

Entry = tuple[str, str, str]  # key, label, name of the action for a click
GAP = "  "
PALETTE = "palette"
SCREENS: Entry = ("F2–F7", "Screens", "")


class KeyBar(Widget):
    """A click on an entry acts as its key. Entries that do not fit are in the palette only; its key and those of the
    screens are always shown."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; padding: 0 1; }
    """

    class Pressed(Message):
        """An entry was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._entries: list[Entry] = []
        self._last: list[Entry] = []

    def show(self, state: State, place: Place, screen: ScreenName, alone: bool) -> None:
        """Redraw if the available keys changed."""
        actions = sorted(footer_actions(state, place, screen, alone), key=lambda action: action.place == "everywhere")
        entries, last = list[Entry](), list[Entry]()
        for action in actions:
            label = action.becomes(state) if action.becomes else action.label
            entry = action.shown_key, label, action.name if action.bound else ""
            (last if action.name == PALETTE or action.name.startswith("screen_") else entries).append(entry)
        if (entries, last) != (self._entries, self._last):
            self._entries, self._last = entries, last
            self.refresh()

    def render(self) -> Content:
        shown = [Content.assemble((key, "bold $accent"), (f" {label}", MUTED)) for key, label, _ in self._shown()]
        return Content(GAP).join(shown)

    def on_click(self, event: events.Click) -> None:
        x, shown = event.get_content_offset_capture(self).x, self._shown()
        for (_, _, name), end in zip(shown, _ends(shown), strict=True):
            if x < end:
                if name:
                    self.post_message(self.Pressed(name))
                return

    def _shown(self) -> list[Entry]:
        """All entries if they fit; else as many as leave room for one that stands for all screens."""
        last = self._last if _width(self._entries + self._last) <= self.size.width else [*self._last[:1], SCREENS]
        room = self.size.width - _width(last) - len(GAP)
        if room < 0:
            last, room = [], self.size.width
        return [entry for entry, end in zip(self._entries, _ends(self._entries), strict=True) if end <= room] + last


def _ends(entries: Sequence[Entry]) -> list[int]:
    """The column after each entry."""
    widths = [len(key) + 1 + len(label) for key, label, _ in entries]
    return [end - len(GAP) for end in accumulate(width + len(GAP) for width in widths)]


def _width(entries: Sequence[Entry]) -> int:
    return max(_ends(entries), default=0)
