"""The timeline panel: throughput over time, and the switches."""

from __future__ import annotations

from typing import Any

from textual.content import Content

from playground.tui.state.timeline import Timeline
from playground.tui.widgets.line_panel import LinePanel
from playground.tui.widgets.timeline import lines as timeline_lines


class TimelinePanel(LinePanel):
    """Time advances only while requests run; a pause is one dotted column. Empty without room."""

    DEFAULT_CSS = """
    TimelinePanel { background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._timeline = Timeline()

    def show(self, timeline: Timeline) -> None:
        """Draw what changed."""
        self._timeline = timeline
        self.show_lines()

    def lines(self, width: int, height: int) -> list[Content]:
        return timeline_lines.lines(self._timeline, width, height)
