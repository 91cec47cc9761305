"""The Bench screen's plot: quality of each option set against TPS or memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.bench.suites.suite import Suite
from playground.session.history.run import Run
from playground.tui.bench.pareto import MEMORY, TPS, pareto, quality_axis
from playground.tui.history.quadrant import model_key
from playground.tui.widgets.scatter import Scatter

NO_MEASURE = "this suite judges no quality that could be plotted"
NO_VALUE = "no run with {measure} has a value for {axis}"
NO_POINTS = "a point per option set that was run; flip toggles in F2 Playground and run again"


class ParetoPlot(Scatter):
    """A plot of one suite's measure of quality at a time."""

    def __init__(self, **widget: Any) -> None:
        super().__init__("", TPS, quality_axis(""), NO_POINTS, **widget)
        self._suite, self._memory = Suite("", "", ()), False
        self._runs: Sequence[Run] = ()

    def show_runs(self, runs: Sequence[Run], suite: Suite) -> None:
        """Plot the runs that were judged by a suite's measure, the newest first; say so if it has none."""
        self._runs, self._suite = runs, suite
        self._plot()

    def turn(self) -> None:
        """Plot against memory, or against TPS again."""
        self._memory = not self._memory
        self._plot()

    def _plot(self) -> None:
        measure = self._suite.measure
        judged = [run for run in self._runs if measure and run.measure == measure]
        size = judged[0].requests if judged else 0  # runs over other parts of the tasks cannot be compared
        x = MEMORY if self._memory else TPS
        points = pareto([run for run in judged if run.requests == size], self._memory)
        title = f"{measure} × {x.title}" if measure else self._suite.title
        self.name_axes(x, quality_axis(measure), title, self._why_empty(len(judged), x.title))
        self.show(points, f"n {size}, one run each\n{model_key(points)}".rstrip() if size else "")

    def _why_empty(self, judged: int, axis: str) -> str:
        if not self._suite.measure:
            return NO_MEASURE
        return NO_VALUE.format(measure=self._suite.measure, axis=axis) if judged else NO_POINTS
