"""A scatter plot on the screen, with a title line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.tui.plots.scatter_grid import Axis, Point, draw, pointed_out
from playground.tui.styles import MUTED


class Scatter(Widget):
    """Redraws only if points or note changed."""

    DEFAULT_CSS = """
    Scatter { height: 1fr; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, title: str, x: Axis, y: Axis, empty: str, **widget: Any) -> None:
        super().__init__(**widget)
        self._title, self._x, self._y, self._empty = title, x, y, empty
        self._points: list[Point] = []
        self._note = self._here = ""

    def show(self, points: Sequence[Point], note: str = "") -> None:
        """Show points; `note` is shown next to the title."""
        if (list(points), note) != (self._points, self._note):
            self._points, self._note = list(points), note
            self.refresh()

    def name_axes(self, x: Axis, y: Axis, title: str, empty: str) -> None:
        """Set axes and title, and what is said without points."""
        self._x, self._y, self._title, self._empty = x, y, title, empty
        self.refresh()

    def point_out(self, name: str) -> None:
        """Mark the point of this name, and label it with the whole of it."""
        if name != self._here:
            self._here = name
            self.refresh()

    def render(self) -> Content:
        title = Content.assemble((self._title, "bold"), (f"   {self._note}" if self._note else "", MUTED))
        width = max(1, self.size.width)
        head = title.wrap(width)
        lines = draw(pointed_out(self._points, self._here), self._x, self._y, width, self.size.height - len(head))
        if not lines:
            empty = Content.styled(self._empty if not self._points else "", MUTED)
            return Content("\n").join([*head, *empty.wrap(width)])
        return Content("\n").join([*head, *(Content.assemble(*line) for line in lines)])
