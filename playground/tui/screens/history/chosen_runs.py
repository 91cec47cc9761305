"""Actions of the History screen on the marked runs, or on the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playground.session.history.run import Run
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.history.run_list import RunList
from playground.tui.screens.base import BaseScreen
from playground.tui.screens.history.exports import Exports
from playground.tui.screens.history.past_runs import PastRuns
from playground.tui.screens.overlays.run_details import RunDetails
from playground.tui.session import NotNow
from playground.tui.setups import recall_run
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.run_table import RunTable
from playground.tui.widgets.text_entry import TextEntry

EXPORT_NAME = "history-%Y-%m-%d-%H%M%S.html"
TAG_LENGTH = 24
TAG_HINT = "words, a blank between two; the filter finds them as tag:word"


class ChosenRuns:
    """`changed` is called after runs were changed."""

    def __init__(self, screen: BaseScreen, past: PastRuns, changed: Callable[[], object]) -> None:
        self._screen, self._past, self._changed = screen, past, changed
        self._exports = Exports(screen, EXPORT_NAME)

    def open(self) -> None:
        """Show one in full, or two side by side."""
        chosen = self._list.chosen
        if len(chosen) > 2:
            raise NotNow(f"{len(chosen)} runs are marked; two can be laid side by side")
        self._screen.run_worker(self._open(chosen))

    def rerun(self) -> None:
        """Restore the one under the cursor on the Playground screen."""
        if here := self._list.current:
            self._screen.run_worker(self._rerun(here.id))

    def tag(self) -> None:
        """Ask for tags."""
        chosen, current = self._list.chosen, self._list.current
        what = f"{len(chosen)} runs" if len(chosen) > 1 else "this run"
        entry = TextEntry(f"Tags of {what}", " ".join(current.tags) if current else "", TAG_HINT)

        def entered(text: str | None) -> None:
            if text is not None:
                self._screen.run_worker(self._tag(chosen, text))

        self._screen.app.push_screen(entry, entered)

    def export(self) -> None:
        """Export the marked ones, or all that are listed."""
        ids = self._list.marked or list(self._list.ids)
        title = f"Export {numbers.count(len(ids))} run{'' if len(ids) == 1 else 's'}"
        self._exports.ask(title, lambda path: self._export(path, ids))

    @property
    def _list(self) -> RunList:
        return self._screen.query_one(RunTable).list

    async def _open(self, ids: list[int]) -> None:
        with self._past.showing_faults():
            if runs := await self._past.whole(ids):
                self._screen.app.push_screen(RunDetails(*runs))

    async def _rerun(self, run_id: int) -> None:
        with self._past.showing_faults():
            for run in await self._past.whole([run_id]):
                await self._recall(run)

    async def _recall(self, run: Run) -> None:
        app = self._screen.app
        try:
            line = await recall_run(self._screen.session, run)
        except NotNow as error:
            self._screen.query_one(Notice).say(str(error))
            return
        await app.switch_mode("playground")
        app.screen.query_one(Notice).say(line)

    async def _tag(self, ids: list[int], text: str) -> None:
        tags = [one_line(word, TAG_LENGTH) for word in text.split()]
        with self._past.showing_faults("the tags were not kept: "):
            await self._past.ask(lambda database: database.tag(ids, tags))
            self._list.forget()
            self._changed()

    async def _export(self, path: Path, ids: list[int]) -> None:
        with self._past.showing_faults():
            if runs := await self._past.whole(ids):
                await self._exports.write(path, runs, f"{numbers.count(len(runs))} runs ")
