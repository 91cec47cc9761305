"""Screen 4: suites, their results as they come, and what each option set costs and buys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from playground.bench.suites.suite import Suite
from playground.bench.suites.table import SUITES
from playground.session.history.history import History
from playground.session.history.keeper import HistoryFault
from playground.session.history.query import Query
from playground.session.history.run import Run, differences
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.bench_driver import BenchDriver, BenchView
from playground.tui.letters import Letters
from playground.tui.messages import Updated
from playground.tui.pareto import MEMORY, TPS, pareto, quality_axis
from playground.tui.plain_text import one_line
from playground.tui.run_columns import options
from playground.tui.run_export import HINT, ExportError, export
from playground.tui.screens.stage import Stage
from playground.tui.screens.text_entry import TextEntry
from playground.tui.session import NotNow, Session
from playground.tui.widgets.bench_figures import BenchFigures
from playground.tui.widgets.bench_results import BenchResults
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.scatter import Scatter
from playground.tui.widgets.status_line import StatusLine
from playground.tui.widgets.suite_list import SuiteList

NEWEST = 500
FIRST_MEASURE = "pass@1"
EVERY_SUITE = Query((("kind LIKE 'bench %'", ()),))
NO_POINTS = "a point per option set that was run; flip toggles on screen 1 and run again"
TWO_MODELS = "A suite runs on an engine of its own: while it runs, two copies of the model are in memory."
EXPORT_NAME = "bench-%Y-%m-%d-%H%M%S.html"
LABEL = "$meaning-waiting"


class BenchScreen(Stage):
    """Asks the driver to run, and draws what it tells."""

    NAME: ClassVar[ScreenName] = "bench"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (110, "-normal")]
    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "SuiteList"

    def __init__(self, session: Session, history: History, keep: Callable[[Run], None] | None) -> None:
        super().__init__(session)
        self._history = history
        self._driver = BenchDriver(session, keep, self._changed)
        self._found: list[Run] = []
        self._measure, self._seen, self._plotted = FIRST_MEASURE, "", 0
        self._memory = False
        self.deeds |= {
            "run_suites": self._run,
            "stop_suites": self._driver.stop,
            "pareto_axis": self._other_axis,
            "export_report": self._ask_for_file,
            "zoom_pareto": lambda: self.toggle_class("-plot"),
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(Letters())
        with Vertical(id="suites"):
            yield SuiteList()
            yield Static(id="under")
        yield BenchResults()
        with Vertical(id="figures"):
            yield BenchFigures()
            yield Scatter(f"{FIRST_MEASURE} × TPS", TPS, quality_axis(FIRST_MEASURE), NO_POINTS)
        yield Notice()
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Runs may have come from the command line."""
        self._look_back()

    async def on_unmount(self) -> None:
        """A suite that runs ends with the screen; leaving its engine ends that."""
        self._driver.stop()

    @property
    def place(self) -> Place:
        """See `Stage.place`."""
        return "suites" if isinstance(self.focused, SuiteList) else "everywhere"

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self.tell_faults(message.changes)
        self.show()

    def show(self) -> None:
        """Every widget looks for itself whether it has anything to draw."""
        self.query_one(StatusLine).show(self.state)
        self.query_one("#under", Static).update(self._under())
        self._follow()
        self.query_one(SuiteList).show(self._driver.views)
        self.query_one(BenchResults).show(self._view)
        self.query_one(BenchFigures).show(self._view)
        self.query_one(Notice).show(self.state)
        self.show_keys()

    def step_back(self, name: str) -> bool:
        """Esc brings the plot back where nothing runs."""
        if name == "stop_suites" and self.has_class("-plot"):
            self.remove_class("-plot")
            return True
        return False

    @property
    def _view(self) -> BenchView:
        """Of the suite under the cursor, or of the newest where that has not been run."""
        return self._driver.views.get(self.query_one(SuiteList).current, self._driver.view)

    def _follow(self) -> None:
        """The cursor goes along to the next suite that runs, whence it can be moved. The plot grows with each run."""
        if (suite := self._driver.view.suite) != self._seen:
            self._seen = suite
            self.query_one(SuiteList).go_to(suite)
        if len(self._driver.runs) != self._plotted:
            self._plotted = len(self._driver.runs)
            self._plot()
            self._estimate()

    @on(SuiteList.Moved)
    def _moved(self) -> None:
        self._plot()
        self.show()

    def _under(self) -> Content:
        asked = Run(at=0.0, kind="", model="", options=differences(self.state.requested))
        model = one_line(self.state.facts.name, 30) if self.state.facts else "no model"
        return Content.assemble(
            ("model    ", LABEL), model, "\n", ("options  ", LABEL), options(asked), "\n\n", (TWO_MODELS, LABEL)
        )

    def _changed(self) -> None:
        if self.query(KeyBar):  # a suite may end later than the screen
            self.show()

    def _run(self) -> None:
        chosen = self.query_one(SuiteList).chosen
        self._driver.check(list(chosen))
        self._drive(chosen)

    @work(exclusive=True, group="bench")
    async def _drive(self, sizes: dict[str, int]) -> None:
        await self._driver.run(sizes)
        if self._driver.fault:
            self.query_one(Notice).say(f"ended early: {self._driver.fault}", bad=True)
        self._look_back()

    @work(exclusive=True, group="look")
    async def _look_back(self) -> None:
        """Option sets that were run before, this session's first: they are there without a history too."""
        try:
            ids = await asyncio.wrap_future(self._history.ask(lambda database: database.find(EVERY_SUITE)[:NEWEST]))
            self._found = await asyncio.wrap_future(self._history.ask(lambda database: database.read(ids)))
        except HistoryFault as fault:
            self.query_one(Notice).say(str(fault), bad=True)
        self._plot()
        self._estimate()

    @property
    def _runs(self) -> list[Run]:
        return [*self._driver.runs, *self._found]

    def _plot(self) -> None:
        """By the measure of the suite under the cursor; one that judges nothing leaves the plot as it is."""
        measure = self._measure = SUITES[self.query_one(SuiteList).current].measure or self._measure
        judged = [run for run in self._runs if run.measure == measure]
        size = judged[0].requests if judged else 0  # another part of the tasks is another measurement
        x = MEMORY if self._memory else TPS
        scatter = self.query_one(Scatter)
        scatter.name_axes(x, quality_axis(measure), f"{measure} × {x.title}")
        points = pareto([run for run in judged if run.requests == size], self._memory)
        scatter.show(points, f"n {size}, one run each" if size else "")

    def _estimate(self) -> None:
        name = self.state.facts.name if self.state.facts else ""
        for suite, each in SUITES.items():
            own = [run for run in self._runs if run.kind == f"bench {suite}" and (each.hears or run.model == name)]
            rates = [rate for run in own if (rate := _seconds_a_unit(run, each)) is not None]
            if rates:
                self.query_one(SuiteList).estimate(suite, rates[0])

    def _other_axis(self) -> None:
        self._memory = not self._memory
        self._plot()

    def _newest(self) -> BenchView | None:
        """What can be exported: what is shown, or else what ended last."""
        ended = [view for view in self._driver.views.values() if view.run]
        newest = max(ended, key=lambda view: view.run.at if view.run else 0.0, default=None)
        return self._view if self._view.run else newest

    def _ask_for_file(self) -> None:
        if self._newest() is None:
            raise NotNow("nothing has been run yet; r runs the ticked suites")
        name = datetime.now().strftime(EXPORT_NAME)
        self.app.push_screen(TextEntry("Export the newest result", name, HINT), self._export)

    @work
    async def _export(self, text: str | None) -> None:
        view = self._newest()
        if not text or view is None or view.run is None:
            return
        path = Path(text).expanduser()
        try:
            await asyncio.to_thread(export, path, [view.run], view.report)
        except ExportError as error:
            self.query_one(Notice).say(str(error), bad=True)
        else:
            self.query_one(Notice).say(f"written to {path}")


def _seconds_a_unit(run: Run, suite: Suite) -> float | None:
    """What a unit took; None where a run does not say how many it had. Only screens title runs by their size."""
    size, _, unit = run.title.partition(" ")
    if run.seconds and unit == suite.unit and size.isdecimal():
        return run.seconds / max(1, int(size))
    return None
