"""The Inside screen's attention: time and memory of a call over lengths, by kernel."""

from __future__ import annotations

from playground.tui.inside.plots import described_attention, draw_attention
from playground.tui.state.state import State
from playground.tui.widgets.inside.panel import InsidePanel


class AttentionPanel(InsidePanel):
    """Draws the points as they come."""

    def __init__(self) -> None:
        super().__init__("Attention", "a times eager, math and flash over lengths, on an idle engine", id="attention")

    def look(self, state: State) -> None:
        """Draw the points so far."""
        inside, points = state.inside, tuple(state.inside.points)
        note = f"{inside.done} of {inside.total}" if inside.measuring else described_attention(points)
        self.show(len(points), note, lambda width, height: draw_attention(points, width, height))
