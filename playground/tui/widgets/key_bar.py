"""The footer: the keys that work now."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.tui.actions import Place, ScreenName, footer_actions
from playground.tui.state.state import State
from playground.tui.styles import MUTED

GAP = "  "


class KeyBar(Widget):
    """A click on an entry acts as its key; entries that do not fit are in the palette only."""

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
        self._entries: list[tuple[str, str, str]] = []

    def show(self, state: State, place: Place, screen: ScreenName, alone: bool) -> None:
        """Redraw if the available keys changed."""
        actions = sorted(footer_actions(state, place, screen, alone), key=lambda action: action.place == "everywhere")
        entries = [(action.shown_key, action.label, action.name if action.bound else "") for action in actions]
        if entries != self._entries:
            self._entries = entries
            self.refresh()

    def render(self) -> Content:
        shown = [
            Content.assemble((key, "bold $accent"), (f" {label}", MUTED))
            for (key, label, _), end in zip(self._entries, self._ends(), strict=True)
            if end <= self.size.width
        ]
        return Content(GAP).join(shown)

    def on_click(self, event: events.Click) -> None:
        x = event.get_content_offset_capture(self).x
        for (_, _, name), end in zip(self._entries, self._ends(), strict=True):
            if x < end <= self.size.width:
                if name:
                    self.post_message(self.Pressed(name))
                return

    def _ends(self) -> list[int]:
        """The column after each entry."""
        widths = [len(key) + 1 + len(label) for key, label, _ in self._entries]
        return [end - len(GAP) for end in accumulate(width + len(GAP) for width in widths)]
