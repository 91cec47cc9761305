"""Runs of a screen on their way to a file, whose name the user gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from playground.bench.report import Report
from playground.session.history.run import Run
from playground.tui.history.export import HINT, ExportError, export
from playground.tui.screens.base import BaseScreen
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.text_entry import TextEntry


class Exports:
    """`name` is offered, with the time of day as `strftime` writes it."""

    def __init__(self, screen: BaseScreen, name: str) -> None:
        self._screen, self._name = screen, name

    def ask(self, title: str, write: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
        """Ask where to; `write` is called unless the user leaves it."""

        def entered(text: str | None) -> None:
            if text:
                self._screen.run_worker(write(Path(text).expanduser()))

        self._screen.app.push_screen(TextEntry(title, datetime.now().strftime(self._name), HINT), entered)

    async def write(self, path: Path, runs: Sequence[Run], what: str = "", report: Report | None = None) -> None:
        """See `run_export.export`; `what` was written is said."""
        notice = self._screen.query_one(Notice)
        try:
            await asyncio.to_thread(export, path, runs, report)
        except ExportError as error:
            notice.say(str(error), bad=True)
        else:
            notice.say(f"{what}written to {path.absolute()}")
