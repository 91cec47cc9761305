"""The Bench screen's plot: quality of each option set against TPS or memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.session.history.run import Run
from playground.tui.bench.pareto import MEMORY, TPS, pareto, quality_axis
from playground.tui.widgets.scatter import Scatter

FIRST_MEASURE = "pass@1"
NO_POINTS = "a point per option set that was run; flip toggles in F2 Playground and run again"


class ParetoPlot(Scatter):
    """A plot of one measure of quality at a time."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(f"{FIRST_MEASURE} × {TPS.title}", TPS, quality_axis(FIRST_MEASURE), NO_POINTS, **widget)
        self._measure, self._memory = FIRST_MEASURE, False
        self._runs: Sequence[Run] = ()

    def show_runs(self, runs: Sequence[Run], measure: str) -> None:
        """Plot the runs that were judged by a measure, the newest first; without one the last measure stays."""
        self._runs, self._measure = runs, measure or self._measure
        self._plot()

    def turn(self) -> None:
        """Plot against memory, or against TPS again."""
        self._memory = not self._memory
        self._plot()

    def _plot(self) -> None:
        judged = [run for run in self._runs if run.measure == self._measure]
        size = judged[0].requests if judged else 0  # runs over other parts of the tasks cannot be compared
        x = MEMORY if self._memory else TPS
        self.name_axes(x, quality_axis(self._measure), f"{self._measure} × {x.title}")
        points = pareto([run for run in judged if run.requests == size], self._memory)
        self.show(points, f"n {size}, one run each" if size else "")
