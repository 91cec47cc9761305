"""The Inside screen's outliers of LLM.int8(): every layer's columns against a threshold that can be tried."""

from __future__ import annotations

from textual import events

from playground.protocol.events import OutliersMeasured
from playground.tui.inside.outlier_grid import draw_outliers, title
from playground.tui.plots.scatter_grid import Part
from playground.tui.state.state import State
from playground.tui.widgets.inside.panel import InsidePanel

HIGHEST = 10.0
STEPS = {"up": -1, "down": 1}
EMPTY = """o runs one forward and shows every layer's largest input columns
python -m playground.models.make_outliers writes a model that has many"""


class OutlierPanel(InsidePanel):
    """`threshold` is the one being tried; the engine keeps its own until the user applies this one."""

    def __init__(self, threshold: float) -> None:
        super().__init__("LLM.int8() outliers", EMPTY, id="outliers")
        self.threshold = threshold
        self._measured: OutliersMeasured | None = None
        self._live, self._top = threshold, 0

    def move_threshold(self, by: float) -> None:
        """Try a lower or higher threshold."""
        self.threshold = min(HIGHEST, max(0.0, self.threshold + by))

    def look(self, state: State) -> None:
        """Draw the last measurement."""
        self._measured, self._live = state.inside.outliers, state.toggles.requested.int8_threshold
        self._show()

    def on_key(self, event: events.Key) -> None:
        if event.key in STEPS and self._measured:
            self._top = min(len(self._measured.layers) - 1, max(0, self._top + STEPS[event.key]))
            event.stop()
            self._show()

    def _show(self) -> None:
        measured, threshold, top = self._measured, self.threshold, self._top

        def draw(width: int, height: int) -> list[list[Part]]:
            return draw_outliers(measured, threshold, width, height, top) if measured else []

        self.show((id(measured), threshold, top), self._described(), draw)

    def _described(self) -> str:
        return title(self._measured, self.threshold, self._live) if self._measured else ""
