"""Screen 6: every run, filtered and sorted; two side by side; exports; TTFT against TPS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from playground.session.history.history import History
from playground.session.history.keeper import HistoryFault
from playground.session.history.query import FilterError, Query, Sort, parse_filter
from playground.session.history.run import Run
from playground.tui import numbers
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.letters import Letters
from playground.tui.messages import Updated
from playground.tui.plain_text import one_line
from playground.tui.quadrant import NEWEST, X, Y, quadrant
from playground.tui.run_columns import described_quality, shown
from playground.tui.run_export import HINT, ExportError, export
from playground.tui.screens.run_details import RunDetails
from playground.tui.screens.stage import Stage
from playground.tui.screens.text_entry import TextEntry
from playground.tui.session import NotNow, Session
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.scatter import Scatter
from playground.tui.widgets.status_line import StatusLine

TYPING_S = 0.15
SETTLED_S = 0.3
EMPTY = "no runs yet: every prompt, run and benchmark is listed here as it ends"
NOTHING_FITS = "no run fits the filter"
PLOT = "TTFT × TPS"
PLOT_NOTE = "medians per model and option set; cold, switched and broken-off runs left out"
NO_POINTS = "drawn from runs with a TTFT and a TPS"
LABEL = "$meaning-waiting"
EXPORT_NAME = "history-%Y-%m-%d-%H%M%S.html"
TAG_LENGTH = 24


class HistoryScreen(Stage):
    """Asks the history and never waits for it: what it answers is drawn when it comes."""

    NAME: ClassVar[ScreenName] = "history"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    CSS_PATH = "history.tcss"
    AUTO_FOCUS = "RunTable"

    def __init__(self, session: Session, history: History) -> None:
        super().__init__(session)
        self._history = history
        self._query = Query()
        self.deeds |= {
            "open_run": self._open,
            "rerun": self._rerun,
            "tag_runs": self._ask_for_tags,
            "export_runs": self._ask_for_file,
            "filter_runs": lambda: self.query_one(Input).focus(),
            "sort_runs": self._sort_by_next,
            "reverse_runs": lambda: self._look_for(self._query.text, self._query.sort, not self._query.descending),
            "zoom_runs": lambda: self.toggle_class("-plot"),
            "leave_filter": self._leave,
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(Letters())
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
        """Runs may have come while another screen was up."""
        self._find()

    @property
    def place(self) -> Place:
        """See `Stage.place`."""
        if isinstance(self.focused, Input):
            return "filter"
        return "runs" if self.query_one(RunTable).list.ids else "everywhere"

    def show(self) -> None:
        """The lines around the table; the table looks for itself."""
        runs = self.query_one(RunTable).list
        self.query_one(StatusLine).show(self.state)
        marked = f"   {len(runs.marked)} marked" if runs.marked else ""
        place = f"{numbers.count(runs.cursor + 1)} of " if runs.ids else ""
        plural = "" if len(runs.ids) == 1 else "s"
        self.query_one("#count", Static).update(f"{place}{numbers.count(len(runs.ids))} run{plural}{marked}")
        self.query_one("#run-line", Static).update(_described(runs.current))
        self.query_one(Notice).show(self.state)
        self.show_keys()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self.tell_faults(message.changes)
        if message.changes.finished and self.is_current:
            self.set_timer(SETTLED_S, self._find)
        self.show()

    @on(Input.Changed, "#filter")
    def _typed(self) -> None:
        self.set_timer(TYPING_S, lambda: self._look_for(self.query_one(Input).value))

    @on(Input.Submitted, "#filter")
    def _leave(self) -> None:
        if self.focused is self.query_one(RunTable):
            self.query_one(RunTable).list.marked.clear()
        self.query_one(RunTable).focus()
        self.query_one(RunTable).look()

    @on(RunTable.Wanted)
    def _wanted(self, message: RunTable.Wanted) -> None:
        self._read(message.ids)

    @on(RunTable.Moved)
    def _moved(self) -> None:
        self.show()

    @on(RunTable.SortAsked)
    def _sort_asked(self, message: RunTable.SortAsked) -> None:
        sort = message.column.sort or "at"
        self._look_for(self._query.text, sort, not self._query.descending if sort == self._query.sort else True)

    def _sort_by_next(self) -> None:
        width = self.query_one(RunTable).size.width
        sorts: list[Sort] = [column.sort for column, _ in shown(width) if column.sort]
        at = sorts.index(self._query.sort) if self._query.sort in sorts else -1
        self._look_for(self._query.text, sorts[(at + 1) % len(sorts)])

    def _look_for(self, text: str, sort: Sort | None = None, descending: bool | None = None) -> None:
        """Another filter or order."""
        if sort is None:
            sort, descending = self._query.sort, self._query.descending
        try:
            query = parse_filter(text, sort, sort != "ttft_s" if descending is None else descending)
        except FilterError as error:
            self.query_one(Notice).say(str(error))
            return
        if (query, query.text) != (self._query, self._query.text):
            self.query_one(Notice).quiet()
            self._query = query
            self._find()

    @work(exclusive=True, group="find")
    async def _find(self) -> None:
        """Ids first, since they say how many there are; then the rows that are seen; then the plot."""
        query, table = self._query, self.query_one(RunTable)
        try:
            ids = await asyncio.wrap_future(self._history.ask(lambda database: database.find(query)))
            table.list.replace(ids)
            self._show_table()
            newest = await asyncio.wrap_future(self._history.ask(lambda database: database.newest(query, NEWEST)))
        except HistoryFault as fault:
            self.query_one(Notice).say(str(fault), bad=True)
            return
        points = quadrant(newest)
        self.query_one(Scatter).show(points, PLOT_NOTE if points else "")

    @work(exclusive=True, group="read")
    async def _read(self, ids: list[int]) -> None:
        try:
            runs = await asyncio.wrap_future(self._history.ask(lambda database: database.read(ids)))
        except HistoryFault as fault:
            self.query_one(Notice).say(str(fault), bad=True)
            return
        self.query_one(RunTable).list.learn(runs)
        self._show_table()

    def _show_table(self) -> None:
        hint = NOTHING_FITS if self._query.text else EMPTY
        self.query_one(RunTable).show(hint, self._query.sort, self._query.descending)
        self.show()

    async def _whole(self, ids: list[int]) -> list[Run]:
        found: list[Run] = await asyncio.wrap_future(self._history.ask(lambda database: database.read_whole(ids)))
        return found

    @work
    async def _open(self) -> None:
        chosen = self.query_one(RunTable).list.chosen
        if len(chosen) > 2:
            self.query_one(Notice).say(f"{len(chosen)} runs are marked; two can be laid side by side")
            return
        if runs := await self._asked(self._whole(chosen)):
            self.app.push_screen(RunDetails(*runs))

    @work
    async def _rerun(self) -> None:
        here = self.query_one(RunTable).list.current
        if here and (runs := await self._asked(self._whole([here.id]))):
            try:
                said = await self.session.recall(runs[0])
            except NotNow as error:
                self.query_one(Notice).say(str(error))
                return
            await self.app.switch_mode("playground")
            self.app.screen.query_one(Notice).say(said)

    async def _asked(self, answer: Awaitable[list[Run]]) -> list[Run]:
        try:
            return await answer
        except HistoryFault as fault:
            self.query_one(Notice).say(str(fault), bad=True)
            return []

    def _ask_for_tags(self) -> None:
        runs = self.query_one(RunTable).list
        chosen = runs.chosen
        now = " ".join(runs.current.tags) if runs.current else ""
        what = f"{len(chosen)} runs" if len(chosen) > 1 else "this run"
        hint = "words, a blank between two; the filter finds them as tag:word"
        self.app.push_screen(TextEntry(f"Tags of {what}", now, hint), lambda text: self._tag(chosen, text))

    @work
    async def _tag(self, ids: list[int], text: str | None) -> None:
        if text is None:
            return
        tags = [one_line(word, TAG_LENGTH) for word in text.split()]
        try:
            await asyncio.wrap_future(self._history.ask(lambda database: database.tag(ids, tags)))
        except HistoryFault as fault:
            self.query_one(Notice).say(f"the tags were not kept: {fault}", bad=True)
            return
        self.query_one(RunTable).list.forget()
        self._find()

    def _ask_for_file(self) -> None:
        runs = self.query_one(RunTable).list
        ids = runs.marked or list(runs.ids)
        name = datetime.now().strftime(EXPORT_NAME)
        title = f"Export {numbers.count(len(ids))} run{'' if len(ids) == 1 else 's'}"
        self.app.push_screen(TextEntry(title, name, HINT), lambda text: self._export(ids, text))

    @work
    async def _export(self, ids: list[int], text: str | None) -> None:
        if not text:
            return
        path = Path(text).expanduser()
        if runs := await self._asked(self._whole(ids)):
            try:
                await asyncio.to_thread(export, path, runs)
            except ExportError as error:
                self.query_one(Notice).say(str(error), bad=True)
            else:
                self.query_one(Notice).say(f"{numbers.count(len(runs))} runs written to {path}")


def _described(run: Run | None) -> Content:
    """What the table has no room for."""
    if run is None:
        return Content()
    parts = [one_line(run.kind, 20), one_line(run.title, 60), described_quality(run)]
    parts += [f"{numbers.count(run.requests)} requests" if run.requests > 1 else "", one_line(", ".join(run.flags), 80)]
    tags = one_line(" ".join(run.tags), 40)
    return Content.assemble(
        ("   ".join(part for part in parts if part), LABEL), (f"   {tags}" if tags else "", "$accent")
    )
