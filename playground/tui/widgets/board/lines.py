"""The board's lines: its header, and a row per visible slot."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from playground.tui.board.columns import pieces
from playground.tui.board.viewport import Cell, Viewport
from playground.tui.widgets.board.cells import CellStyles, Row
from playground.tui.widgets.board.header import header


class BoardLines:
    """Draws what a viewport shows as strips; line 0 is the header."""

    def __init__(self, view: Viewport, title: str) -> None:
        self._view, self.title = view, title

    @property
    def gutter(self) -> int:
        """Cells before the first column: a space, the slot's number, and a space or an arrow."""
        return len(str(max(0, len(self._view.model.runs) - 1))) + 2

    def fit(self, width: int, height: int) -> None:
        """Fit the viewport into `width` cells and `height` lines."""
        self._view.width, self._view.height = max(1, width - self.gutter), max(1, height - 1)

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell at a point."""
        slots, column = self._view.slots(), self._view.columns().start + x - self.gutter
        if x < self.gutter or not 1 <= y <= len(slots) or column not in self._view.known():
            return None
        return Cell(slots[y - 1], column)

    def line(self, y: int, styles: CellStyles, every: int, focused: bool) -> Strip:
        """One line, with a request's letter in every `every` columns."""
        slots, width = self._view.slots(), self.gutter + self._view.width
        if y == 0:
            return header(self._view, self.title, width, styles, focused)
        if y > len(slots):
            return Strip.blank(width, styles.empty)
        return self._row(slots[y - 1], width, styles, every)

    def _row(self, slot: int, width: int, styles: CellStyles, every: int) -> Strip:
        view, seen = self._view, self._view.columns()
        stop = min(seen.stop, view.known().stop)
        shown = pieces(view.model.runs[slot], view.scale, seen.start, stop)
        number = Segment(f"{slot:>{self.gutter - 1}}{self._more(slot)}", styles.faint)
        row = Row(view.model.letters, styles, seen.start, stop, every)
        strip = Strip([number, *row.draw(shown), Segment(" " * (seen.stop - stop), styles.empty)], width)
        if view.cursor and view.cursor.slot == slot and view.cursor.column in seen:
            return _with_cursor(strip, self.gutter + view.cursor.column - seen.start)
        return strip

    def _more(self, slot: int) -> str:
        """An arrow at an edge beyond which there are more slots."""
        slots, last = self._view.slots(), len(self._view.model.runs) - 1
        if slot == slots[-1] < last:
            return "↓"
        return "↑" if slot == slots[0] > 0 else " "


def _with_cursor(strip: Strip, x: int) -> Strip:
    before, cell, after = strip.divide([x, x + 1, strip.cell_length])
    return Strip.join([before, cell.apply_style(Style(reverse=True)), after])
