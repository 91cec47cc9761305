"""The History screen: every run, filtered and sorted; two side by side; exports; TTFT against TPS."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from playground.session.history.history import History
from playground.session.history.run import Run
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.history.columns import described_quality
from playground.tui.history.quadrant import X, Y, set_name
from playground.tui.messages import Updated
from playground.tui.screens.base import BaseScreen
from playground.tui.screens.history.chosen_runs import ChosenRuns
from playground.tui.screens.history.past_runs import PastRuns
from playground.tui.screens.history.run_search import RunSearch
from playground.tui.screens.panels import Panels
from playground.tui.session import Session
from playground.tui.styles import MUTED
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.scatter import Scatter
from playground.tui.widgets.status_line import StatusLine

TYPING_S = 0.15
SETTLED_S = 0.3
PLOT = "TTFT × TPS"
NO_POINTS = "drawn from runs with a TTFT and a TPS"


class HistoryScreen(BaseScreen):
    """Connects keys, clicks and the filter to `RunSearch` and `ChosenRuns`."""

    NAME: ClassVar[ScreenName] = "history"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "RunTable"

    def __init__(self, session: Session, history: History) -> None:
        super().__init__(session)
        self._panels = Panels(self, ("plot",))
        past = PastRuns(self, history)
        self._search = RunSearch(self, past)
        chosen = ChosenRuns(self, past, self._search.find)
        self.handlers |= {
            "open_run": chosen.open,
            "rerun": chosen.rerun,
            "tag_runs": chosen.tag,
            "export_runs": chosen.export,
            "filter_runs": self._ask_for_filter,
            "sort_runs": self._search.sort_by_next,
            "reverse_runs": self._search.reverse,
            "zoom_runs": lambda: self._panels.toggle("plot"),
            "leave_filter": self._leave,
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self.session.letters)
        with Horizontal(id="filter-line"):
            yield Static("/", classes="sign")
            yield Input(id="filter", placeholder="tps>100 model:tiny kv_cache=int8", select_on_focus=False)
            yield Static(id="count")
        yield RunTable()
        yield Static(id="run-line")
        yield Scatter(PLOT, X, Y, NO_POINTS, id="quadrant")
        yield Notice()
        yield KeyBar()

    def on_screen_resume(self) -> None:
        """Search again: there may be new runs."""
        self._search.find()
        self.show()

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        if isinstance(self.focused, Input):
            return "filter"
        return "runs" if self.query_one(RunTable).list.ids and not self._panels.alone else "everywhere"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """See `BaseScreen.check_action`; Esc brings the other panels back in a replay too."""
        return (self._panels.alone and "leave_filter" in parameters) or super().check_action(action, parameters)

    def show(self) -> None:
        """Show the lines around the table; the table draws itself."""
        runs = self.query_one(RunTable).list
        self.query_one(StatusLine).show(self.state)
        marked = f"   {len(runs.marked)} marked" if runs.marked else ""
        place = f"{numbers.count(runs.cursor + 1)} of " if runs.ids else ""
        plural = "" if len(runs.ids) == 1 else "s"
        self.query_one("#count", Static).update(f"{place}{numbers.count(len(runs.ids))} run{plural}{marked}")
        self.query_one("#run-line", Static).update(_described(runs.current))
        self.query_one(Scatter).point_out(set_name(runs.current) if runs.current else "")
        self.query_one(Notice).show(self.state)
        self.show_keys()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self.show_faults(message.changes)
        if not self.is_current:
            return
        if message.changes.finished:
            self.set_timer(SETTLED_S, self._search.find)
        self.show()

    def _ask_for_filter(self) -> None:
        self._panels.show()
        self.call_after_refresh(self.query_one(Input).focus)

    @on(Input.Changed, "#filter")
    def _typed(self) -> None:
        self.set_timer(TYPING_S, lambda: self._search.filter(self.query_one(Input).value))

    @on(Input.Submitted, "#filter")
    def _leave(self) -> None:
        if self._panels.alone:
            self._panels.show()
            return
        if self.focused is self.query_one(RunTable):
            self.query_one(RunTable).list.marked.clear()
        self.query_one(RunTable).focus()
        self.query_one(RunTable).look()

    @on(RunTable.Wanted)
    def _wanted(self, message: RunTable.Wanted) -> None:
        self._search.read(message.ids)

    @on(RunTable.Moved)
    def _moved(self) -> None:
        self.show()

    @on(RunTable.SortAsked)
    def _sort_asked(self, message: RunTable.SortAsked) -> None:
        self._search.sort_by(message.column.sort or "at")


def _described(run: Run | None) -> Content:
    """A line about a run: what the table has no room for."""
    if run is None:
        return Content()
    parts = [one_line(run.kind, 20), one_line(run.title, 60), described_quality(run)]
    parts += [f"{numbers.count(run.requests)} requests" if run.requests > 1 else "", one_line(", ".join(run.flags), 80)]
    tags = one_line(" ".join(run.tags), 40)
    return Content.assemble(
        ("   ".join(part for part in parts if part), MUTED), (f"   {tags}" if tags else "", "$accent")
    )
