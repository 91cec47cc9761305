"""One panel of the Inside screen: a title, a note, and lines from a drawing function."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.tui.plots.scatter_grid import Part
from playground.tui.styles import MUTED

Draw = Callable[[int, int], list[list[Part]]]


class InsidePanel(Widget, can_focus=True):
    """Redraws only if `show` gets another key or note: the lines depend on nothing else."""

    DEFAULT_CSS = """
    InsidePanel {
        padding: 0 1; background: $surface; border-left: blank; text-wrap: nowrap; text-overflow: clip;
        &:focus { border-left: outer $accent; }
    }
    """

    def __init__(self, title: str, empty: str, **widget: Any) -> None:
        super().__init__(**widget)
        self._title, self._empty = title, empty
        self._key: Hashable = None
        self._note = ""
        self._draw: Draw = lambda width, height: []

    def show(self, key: Hashable, note: str, draw: Draw) -> None:
        """Show what `draw` returns for a width and a height: lines of (text, style) parts."""
        self._draw = draw
        if (key, note) != (self._key, self._note):
            self._key, self._note = key, note
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        title = Content.assemble((self._title, "bold"), (f"   {self._note}" if self._note else "", MUTED))
        head = title.wrap(max(1, width))
        lines = self._draw(width, self.size.height - len(head))
        if not lines:
            return Content("\n").join([*head, *Content.styled(self._empty, MUTED).wrap(max(1, width))])
        return Content("\n").join([*head, *(Content.assemble(*line) for line in lines)])
