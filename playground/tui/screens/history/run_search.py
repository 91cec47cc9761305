"""The search of the History screen: its filter, its order, and the runs found."""

from __future__ import annotations

from functools import partial

from textual.worker import Worker

from playground.session.history.query import FilterError, Query, Sort, parse_filter
from playground.tui.history.quadrant import NEWEST, model_key, quadrant
from playground.tui.screens.base import BaseScreen
from playground.tui.screens.history.past_runs import PastRuns
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.scatter import Scatter

EMPTY = "no runs yet: every prompt, run and benchmark is listed here as it ends"
NOTHING_FITS = "no run fits the filter"
PLOT_NOTE = "medians per model and option set; cold, switched and broken-off runs left out"


class RunSearch:
    """Shows what it finds as it comes: ids first, then the visible rows. A newer search replaces an older one."""

    def __init__(self, screen: BaseScreen, past: PastRuns) -> None:
        self._screen, self._past = screen, past
        self._query = Query()

    def filter(self, text: str) -> None:
        """Search by another filter, in the same order."""
        self._look_for(text, self._query.sort, self._query.descending)

    def sort_by(self, sort: Sort) -> None:
        """Sort with the largest first; reversed if it is sorted so already."""
        self._look_for(self._query.text, sort, not self._query.descending if sort == self._query.sort else True)

    def sort_by_next(self) -> None:
        """Sort by the next column, the best first."""
        sorts: list[Sort] = [column.sort for column, _ in self._table.columns if column.sort]
        at = sorts.index(self._query.sort) if self._query.sort in sorts else -1
        sort = sorts[(at + 1) % len(sorts)]
        self._look_for(self._query.text, sort, sort != "ttft_s")

    def reverse(self) -> None:
        """Reverse the order."""
        self._look_for(self._query.text, self._query.sort, not self._query.descending)

    def find(self) -> Worker[None]:
        """Search again."""
        return self._screen.run_worker(self._find, exclusive=True, group="find")

    def read(self, ids: list[int]) -> Worker[None]:
        """Read rows that have become visible."""
        return self._screen.run_worker(partial(self._read, ids), exclusive=True, group="read")

    @property
    def _table(self) -> RunTable:
        return self._screen.query_one(RunTable)

    def _look_for(self, text: str, sort: Sort, descending: bool) -> None:
        notice = self._screen.query_one(Notice)
        try:
            query = parse_filter(text, sort, descending)
        except FilterError as error:
            notice.say(str(error))
            return
        if (query, query.text) != (self._query, self._query.text):
            notice.quiet()
            self._query = query
            self.find()

    async def _find(self) -> None:
        """Read the ids first, which say how many there are; then the visible rows; then the plot."""
        query = self._query
        with self._past.showing_faults():
            self._table.list.replace(await self._past.ask(lambda database: database.find(query)))
            self._show()
            points = quadrant(await self._past.ask(lambda database: database.newest(query, NEWEST)))
            self._screen.query_one(Scatter).show(points, f"{model_key(points)}   {PLOT_NOTE}" if points else "")

    async def _read(self, ids: list[int]) -> None:
        with self._past.showing_faults():
            self._table.list.learn(await self._past.ask(lambda database: database.read(ids)))
            self._show()

    def _show(self) -> None:
        hint = NOTHING_FITS if self._query.text else EMPTY
        self._table.show(hint, self._query.sort, self._query.descending)
        self._screen.show()
