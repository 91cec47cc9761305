"""One run's board: the batching board on a shared time axis, with the run's figures above it."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from textual import events
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from playground.tui.batching.axis import FINEST
from playground.tui.batching.figures import Figures, predicted
from playground.tui.board.model import BoardModel
from playground.tui.board.viewport import Still
from playground.tui.state.load_run import LoadRun
from playground.tui.widgets.board.board import BatchBoard
from playground.tui.widgets.board.cells import MERGED_LEGEND, CellStyles
from playground.tui.widgets.fitting import cut

WIDE = 96
TITLE_WIDTH = 12


class LoadBoard(BatchBoard):
    """Draws the board of a `LoadRun`; collects nothing itself."""

    class Moved(Message):
        """It was zoomed or scrolled: the other board has to follow."""

        def __init__(self, board: LoadBoard) -> None:
            super().__init__()
            self.board = board

    class Resized(Message):
        """The number of columns that fit has changed."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(title="", **widget)
        self._side = ""
        self.run: LoadRun | None = None
        self._figures: Figures | None = None
        self._slots = self._expected = 0
        self._speed_up: float | None = None
        self.view.zoom = FINEST

    def show(self, side: str, run: LoadRun | None, speed_up: float | None, slots: int) -> None:
        """Show the run of this side; before its first step there is room for `slots` slots."""
        if (side, slots) != (self._side, self._expected):
            self._side = self._lines.title = side
            self._expected = slots
            self.refresh(layout=True)
        changed = run is not self.run
        self.run, self._speed_up = run, speed_up
        self._show_figures(Figures.of(run) if run else None)
        if changed:
            self.model = self.view.model = run.board if run else BoardModel()
            self.view.reset()
        if changed or self._slots != len(self.model.runs):
            self._slots = len(self.model.runs)
            self.refresh(layout=True)
        else:
            self.add_steps(())

    def _show_figures(self, figures: Figures | None) -> None:
        """At once, not with the next redraw of the board: the table shows the same ones."""
        if figures != self._figures:
            self._figures = figures
            self.refresh(Region(0, 0, self.size.width, 1))

    def fit(self, seconds: float) -> None:
        """Make a column `seconds` wide at the widest zoom."""
        if self.view.seconds != seconds / FINEST:
            self.share_time(seconds / FINEST)

    @property
    def lines_gutter(self) -> int:
        """Cells before the first column."""
        return self._lines.gutter

    @property
    def columns_seen(self) -> int:
        """Columns that fit next to the slots' numbers."""
        return max(1, self.content_size.width - self.lines_gutter)

    def follow(self, other: LoadBoard) -> None:
        """Show the same time as the other board."""
        self.view.zoom, self.view.cursor = other.view.zoom, None
        self.view.still = Still(other.view.still.end, self.model.total) if other.view.still else None
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Moved(self))  # the base class handles the click too, before this message

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 + max(1, len(self.model.runs) or self._expected)

    def render_line(self, y: int) -> Strip:
        if y == 0 and not self.view.cursor:
            head = cut(self._header(self._cell_styles), self.size.width)
            return head.adjust_cell_length(self.size.width, self._cell_styles.text)
        return super().render_line(y)

    def action_zoom(self, by: int) -> None:
        if by < 0 or self.view.zoom < FINEST:
            super().action_zoom(by)
        self.post_message(self.Moved(self))

    def action_move(self, slots: int, columns: int) -> None:
        super().action_move(slots, columns)
        self.post_message(self.Moved(self))

    def action_pause(self) -> None:
        super().action_pause()
        self.post_message(self.Moved(self))

    def action_follow(self) -> None:
        super().action_follow()
        self.post_message(self.Moved(self))

    def _scroll(self, columns: int) -> None:
        super()._scroll(columns)
        self.post_message(self.Moved(self))

    def _header(self, styles: CellStyles) -> Strip:
        segments = [Segment(f" {self._side:<{TITLE_WIDTH}}", styles.title)]
        if self.run is None or self._figures is None or not self.run.board.total:
            return Strip([*segments, Segment(f" not run yet   {MERGED_LEGEND}", styles.faint)])
        figures, wide = self._figures, self.size.width >= WIDE
        gap = "  " if wide else " "
        shown = [
            ("makespan", figures.makespan, 7 if wide else 6),
            ("occupancy" if wide else "busy", figures.occupancy, 5),
            ("waste", figures.waste, 5),
            ("", figures.tps, 12),
        ]
        for label, value, width in shown:
            segments.append(Segment(f" {label} ".replace("  ", " "), styles.faint))
            segments.append(Segment(f"{value:>{width}}{gap}", styles.text))
        if self._speed_up is not None:
            colour = Color.parse(self.app.theme_variables["accent"]).rich_color
            segments.append(Segment(f"{self._speed_up:.2f}x  ", styles.title + type(styles.title)(color=colour)))
        if expected := predicted(self.run.predicted):
            text = f"predicted {expected}"
            room = self.size.width - sum(len(segment.text) for segment in segments) - 1
            if room >= len(text):
                segments.append(Segment(text.rjust(room), styles.faint))
        return Strip(segments)
