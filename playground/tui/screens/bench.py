"""The Bench screen: suites, their results as they come, and what each option set costs and buys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from playground.bench.suites.table import SUITES
from playground.session.history.history import History
from playground.session.history.query import Query
from playground.session.history.run import Run
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.bench.driver import BenchDriver, BenchView
from playground.tui.bench.pace import seconds_a_unit
from playground.tui.messages import Updated
from playground.tui.screens.base import WIDTHS, BaseScreen
from playground.tui.screens.history.exports import Exports
from playground.tui.screens.history.past_runs import PastRuns
from playground.tui.screens.panels import Panels
from playground.tui.session import NotNow, Session
from playground.tui.widgets.bench.figures import BenchFigures
from playground.tui.widgets.bench.pareto_plot import ParetoPlot
from playground.tui.widgets.bench.results import BenchResults
from playground.tui.widgets.bench.suite_list import SuiteList
from playground.tui.widgets.bench.suite_terms import SuiteTerms
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.status_line import StatusLine

NEWEST = 500
EVERY_SUITE = Query((("kind LIKE 'bench %'", ()),))
EXPORT_NAME = "bench-%Y-%m-%d-%H%M%S.html"


class BenchScreen(BaseScreen):
    """Runs suites through `BenchDriver` and shows their progress and results."""

    NAME: ClassVar[ScreenName] = "bench"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    CSS_PATH = "bench.tcss"
    AUTO_FOCUS = "SuiteList"

    def __init__(self, session: Session, history: History, keep: Callable[[Run], None] | None) -> None:
        super().__init__(session)
        self._past, self._exports = PastRuns(self, history), Exports(self, EXPORT_NAME)
        self._driver = BenchDriver(session, keep, self._changed)
        self._panels = Panels(self, ("plot",))
        self._found: list[Run] = []
        self._seen, self._plotted = "", 0
        self.handlers |= {
            "run_suites": self._run,
            "stop_suites": self._driver.stop,
            "pareto_axis": lambda: self.query_one(ParetoPlot).turn(),
            "export_report": self._ask_for_file,
            "zoom_pareto": lambda: self._panels.toggle("plot"),
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self.session.letters)
        with Vertical(id="suites"):
            yield SuiteList()
            yield SuiteTerms(id="under")
        yield BenchResults()
        with Vertical(id="figures"):
            yield BenchFigures()
            yield ParetoPlot()
        yield Notice()
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Read the runs again: the command line may have added some."""
        self._look_back()
        self.show()

    async def on_unmount(self) -> None:
        """Stop a suite that runs, which also ends its engine."""
        self._driver.stop()

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        if self._panels.alone or self.focused is None:
            return "everywhere"
        return "results" if self.focused is self.query_one(BenchResults) else "suites"

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self.show_faults(message.changes)
        if self.is_current:
            self.show()

    def show(self) -> None:
        """Show the state and the suites in every widget."""
        self.query_one(StatusLine).show(self.state)
        self.query_one(SuiteTerms).show(self.state)
        self._follow()
        self.query_one(SuiteList).show(self._driver.views)
        self.query_one(BenchResults).show(self._view)
        self.query_one(BenchFigures).show(self._view)
        self.query_one(Notice).show(self.state)
        self.show_keys()

    def handle_blocked(self, name: str) -> bool:
        """Let Esc bring back the other panels if nothing runs."""
        if name == "stop_suites" and self._panels.alone:
            self._panels.show()
            return True
        return False

    @property
    def _view(self) -> BenchView:
        """The newest run of the suite under the cursor, of which all panels speak; empty before the first one."""
        return self._driver.views.get(self.query_one(SuiteList).current, BenchView())

    def _follow(self) -> None:
        """Move the cursor to a suite that begins, and add a run that has ended to the plot."""
        if (suite := self._driver.view.suite) != self._seen:
            self._seen = suite
            self.query_one(SuiteList).go_to(suite)
        if len(self._driver.runs) != self._plotted:
            self._plotted = len(self._driver.runs)
            self._show_runs()

    @on(SuiteList.Moved)
    def _moved(self) -> None:
        self._show_runs()
        self.show()

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
        """Read the newest suite runs from the history."""
        with self._past.showing_faults():
            ids = await self._past.ask(lambda database: database.find(EVERY_SUITE)[:NEWEST])
            self._found = await self._past.ask(lambda database: database.read(ids))
        self._show_runs()

    def _show_runs(self) -> None:
        """Plot this session's runs and those of the history, and estimate each suite's time by them."""
        runs = [*self._driver.runs, *self._found]
        suites = self.query_one(SuiteList)
        self.query_one(ParetoPlot).show_runs(runs, SUITES[suites.current])
        name = self.state.facts.name if self.state.facts else ""
        for suite in SUITES:
            if (pace := seconds_a_unit(suite, runs, name)) is not None:
                suites.estimate(suite, pace)

    def _newest(self) -> BenchView | None:
        """The result to export: the one that is shown, or else the one that ended last."""
        return self._view if self._view.run else self._driver.newest

    def _ask_for_file(self) -> None:
        if self._newest() is None:
            raise NotNow("nothing has been run yet; r runs the ticked suites")
        self._exports.ask("Export the newest result", self._export)

    async def _export(self, path: Path) -> None:
        view = self._newest()
        if view and view.run:
            await self._exports.write(path, [view.run], report=view.report)
