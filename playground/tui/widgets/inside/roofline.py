"""The Inside screen's roofline: what this machine can reach, and the newest steps under it."""

from __future__ import annotations

from playground.tui.inside.plots import described_roofline, draw_roofline
from playground.tui.state.state import State
from playground.tui.widgets.inside.panel import InsidePanel


class RooflinePanel(InsidePanel):
    """Empty without a measured roof or a model."""

    def __init__(self) -> None:
        super().__init__("Roofline", "a measures the roof too; then every step is a dot", id="roofline")

    def look(self, state: State) -> None:
        """Draw the newest steps."""
        facts, ceilings, trail = state.facts, state.inside.ceilings, tuple(state.inside.trail)
        if facts is None or ceilings is None:
            self.show(None, "", lambda width, height: [])
            return
        block, weights = state.toggles.requested.block_size, state.memory.weights or facts.weights_bytes
        self.show(
            (trail[-1].index if trail else -1, weights, id(ceilings)),
            described_roofline(ceilings, trail, facts, block, weights),
            lambda width, height: draw_roofline(ceilings, trail, facts, block, weights, width, height),
        )
