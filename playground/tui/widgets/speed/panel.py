"""The speed panel: TTFT and TPS in big digits, their parts, and the gaps between tokens."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive

from playground.tui.speed.view import SpeedView
from playground.tui.widgets.line_panel import LinePanel
from playground.tui.widgets.speed import lines as speed_lines

FULL_WIDTH, FULL_HEIGHT = 44, 10


class SpeedPanel(LinePanel):
    """Shows the numbers of one request; if narrow or low, the headline alone."""

    DEFAULT_CSS = """
    SpeedPanel { height: auto; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    larger: reactive[bool] = reactive(False, layout=True)

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._view = SpeedView()

    def show(self, view: SpeedView) -> None:
        """Draw other numbers."""
        if view != self._view:
            self._view = view
            self.show_lines()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width, FULL_HEIGHT))

    def lines(self, width: int, height: int) -> list[Content]:
        if width < FULL_WIDTH or height < FULL_HEIGHT:
            return speed_lines.headline(self._view, width)
        return [
            speed_lines.title(self._view, width),
            *speed_lines.headline(self._view, width, self.larger),
            *speed_lines.details(self._view, width),
        ]
