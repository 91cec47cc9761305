"""Makes the other screens, each imported when it is first shown, so that the first frame need not wait for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.screen import Screen

from playground.session.history.history import History
from playground.session.history.run import Run
from playground.tui.session import Session


class ScreenFactory:
    """Makes the screens of one session. `keep` takes the runs to keep, None if none are kept; `folders` hold
    checkpoints."""

    def __init__(
        self, session: Session, history: History, keep: Callable[[Run], None] | None, folders: list[Path]
    ) -> None:
        self._session, self._history, self._keep, self._folders = session, history, keep, folders

    def table(self) -> dict[str, Callable[[], Screen[None]]]:
        """The function that makes each screen, by the name of its mode."""
        return {
            "batching": self._batching,
            "compare": self._compare,
            "bench": self._bench,
            "inside": self._inside,
            "history": self._past,
        }

    def _batching(self) -> Screen[None]:
        from playground.tui.screens.batching import BatchingScreen

        return BatchingScreen(self._session, self._keep)

    def _compare(self) -> Screen[None]:
        from playground.tui.screens.compare import CompareScreen

        return CompareScreen(self._session, self._folders, self._keep)

    def _bench(self) -> Screen[None]:
        from playground.tui.screens.bench import BenchScreen

        return BenchScreen(self._session, self._history, self._keep)

    def _inside(self) -> Screen[None]:
        from playground.tui.screens.inside import InsideScreen

        return InsideScreen(self._session)

    def _past(self) -> Screen[None]:
        from playground.tui.screens.history.screen import HistoryScreen

        return HistoryScreen(self._session, self._history)
