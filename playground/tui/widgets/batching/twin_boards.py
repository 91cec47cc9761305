"""Two boards, one above the other, and their common time axis."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from playground.tui.batching.axis import column_seconds, column_text, ticks
from playground.tui.state.load_runs import LoadRuns
from playground.tui.widgets.batching.board import LoadBoard

GUTTER = 3
FIRST, SECOND = "board-first", "board-second"


class TimeAxis(Widget):
    """Round seconds under the visible columns."""

    DEFAULT_CSS = """
    TimeAxis { height: 1; color: $meaning-waiting; background: $surface; text-wrap: nowrap; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._first, self._gutter = 0, GUTTER
        self._seconds: float | None = None

    def show(self, board: LoadBoard) -> None:
        """Show the axis of this board."""
        seen = (board.view.columns().start, board.lines_gutter, board.view.scale.width if board.view.seconds else None)
        if seen != (self._first, self._gutter, self._seconds):
            self._first, self._gutter, self._seconds = seen
            self.refresh()

    def render(self) -> Content:
        if self._seconds is None:
            return Content()
        width = self.size.width - self._gutter
        note = column_text(self._seconds)
        line = [" "] * width
        for column, label in ticks(self._first, width - len(note) - 2, self._seconds):
            text = f"╵{label}"
            if column + len(text) <= width - len(note) - 2:
                line[column : column + len(text)] = text
        line[width - len(note) - 1 :] = f"{note} "
        return Content(" " * self._gutter + "".join(line))


class TwinBoards(Vertical):
    """The first run above, the second below; they zoom and scroll together."""

    DEFAULT_CSS = """
    TwinBoards {
        height: auto; background: $surface;
        & > LoadBoard { height: auto; border-left: blank; }
        & > LoadBoard:focus { border-left: outer $accent; }
        & > TimeAxis { border-left: blank; }
    }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self.boards = LoadBoard(id=FIRST), LoadBoard(id=SECOND)
        self._axis = TimeAxis()
        self._shown: tuple[LoadRuns, int] | None = None

    def compose(self) -> ComposeResult:
        yield from self.boards
        yield self._axis

    def fit(self, lines: int | None) -> None:
        """Limit each board to half of `lines`; None if one of them is shown alone."""
        for board in self.boards:
            board.styles.max_height = lines and max(2, lines // 2)

    def show(self, runs: LoadRuns, slots: int) -> None:
        """Show the runs; `slots` are those of the next load."""
        self._shown = runs, slots
        for board, side, speed_up in zip(self.boards, runs.sides, (None, runs.speed_up), strict=True):
            board.show(side, runs.runs.get(side), speed_up, slots)
        self._follow(runs)
        seconds = column_seconds(runs, self._seen.columns_seen)
        if seconds is not None:
            for board in self.boards:
                board.fit(seconds)
        self._axis.show(self._seen)

    def _follow(self, runs: LoadRuns) -> None:
        """Let both boards follow the run that goes on; afterwards the longer one."""
        going_on = next((board for board in self.boards if board.run and board.run is runs.running), None)
        lead = going_on or max(self.boards, key=lambda board: board.view.known().stop)
        for board in self.boards:
            board.view.lead = lead.view

    @property
    def _seen(self) -> LoadBoard:
        """The first board that is not hidden."""
        return next((board for board in self.boards if board.display), self.boards[0])

    @on(LoadBoard.Resized)
    def _resized(self) -> None:
        if self._shown:
            self.show(*self._shown)

    @on(LoadBoard.Moved)
    def _moved(self, message: LoadBoard.Moved) -> None:
        for board in self.boards:
            if board is not message.board:
                board.follow(message.board)
        self._axis.show(message.board)
