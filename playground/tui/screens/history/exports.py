"""Writes runs of a screen to a file that the user names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from playground import paths
from playground.bench.report import Report
from playground.session.history.run import Run
from playground.tui.history.export import HINT, ExportError, export
from playground.tui.screens.base import BaseScreen
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.text_entry import TextEntry


class Exports:
    """`name` is a `strftime` format; it is offered with the current time."""

    def __init__(self, screen: BaseScreen, name: str) -> None:
        self._screen, self._name = screen, name

    def ask(self, title: str, write: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
        """Ask for a file name; `write` is called with it unless the user cancels."""

        def entered(text: str | None) -> None:
            if text:
                self._screen.run_worker(write(paths.expand(text)))

        self._screen.app.push_screen(TextEntry(title, datetime.now().strftime(self._name), HINT), entered)

    async def write(self, path: Path, runs: Sequence[Run], what: str = "", report: Report | None = None) -> None:
        """Write runs as `export` does, and say that `what` was written."""
        notice = self._screen.query_one(Notice)
        try:
            await asyncio.to_thread(export, path, runs, report)
        except ExportError as error:
            notice.say(str(error), bad=True)
        else:
            notice.say(f"{what}written to {path.absolute()}")
