"""The toggles folded into one line, for narrow terminals."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.tui.actions import ACTIONS
from playground.tui.state.state import State
from playground.tui.styles import MUTED
from playground.tui.toggles.rows import Row, rows

SHOWN = ("weights", "attention", "kv_cache")


class ToggleLine(Widget):
    """The three toggles that have keys, and the key that opens all."""

    DEFAULT_CSS = """
    ToggleLine { height: 1; background: $surface; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Pressed(Message):
        """The line was clicked."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._rows: list[Row] = []

    def show(self, state: State) -> None:
        """Redraw if a toggle changed."""
        shown = [row for row in rows(state) if row.name in SHOWN]
        if shown != self._rows:
            self._rows = shown
            self.refresh()

    def on_click(self) -> None:
        self.post_message(self.Pressed())

    def render(self) -> Content:
        more = Content.assemble((ACTIONS["toggles"].shown_key, "$accent"), (" all", MUTED))
        return Content("  ").join([*(_entry(row) for row in self._rows), more])


def _entry(row: Row) -> Content:
    value = (f"{row.value} !", "bold $warning") if row.differs else (row.value, "")
    return Content.assemble((f"{row.label} ", MUTED), value)
