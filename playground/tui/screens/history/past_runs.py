"""A screen's access to the history; faults are shown in its notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from playground.session.history.history import History
from playground.session.history.keeper import HistoryFault
from playground.session.history.run import Run
from playground.tui.screens.base import BaseScreen
from playground.tui.widgets.notice import Notice

T = TypeVar("T")


class PastRuns:
    """Asks the history without blocking the screen. Methods raise `HistoryFault`; `showing_faults` shows it."""

    def __init__(self, screen: BaseScreen, history: History) -> None:
        self._screen, self._history = screen, history

    async def ask(self, question: Callable[[Any], T]) -> T:
        """See `History.ask`."""
        return await asyncio.wrap_future(self._history.ask(question))

    async def whole(self, ids: Sequence[int]) -> list[Run]:
        """Read runs with every field."""
        found: list[Run] = await self.ask(lambda database: database.read_whole(ids))
        return found

    @contextmanager
    def showing_faults(self, lead: str = "") -> Iterator[None]:
        """Show a `HistoryFault` of the block as one line prefixed by `lead`."""
        try:
            yield
        except HistoryFault as fault:
            self._screen.query_one(Notice).say(f"{lead}{fault}", bad=True)
