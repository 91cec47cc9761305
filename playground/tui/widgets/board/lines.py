"""The board's lines: its header, and a row per visible slot; on a board that has the screen alone, rows are taller and
the legend is below them."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from playground.tui.board.columns import pieces
from playground.tui.board.viewport import Cell, Viewport
from playground.tui.widgets.board.cells import CellStyles, Row
from playground.tui.widgets.board.header import header, legend

MOST_TALL = 4  # lines of a row, one of them a gap


class BoardLines:
    """Draws what a viewport shows as strips; line 0 is the header."""

    def __init__(self, view: Viewport, title: str) -> None:
        self._view, self.title = view, title
        self._tall, self._legend_at = 1, 0

    @property
    def gutter(self) -> int:
        """Cells before the first column: a space, the slot's number, and a space or an arrow."""
        return len(str(max(0, len(self._view.model.runs) - 1))) + 2

    def fit(self, width: int, height: int, alone: bool = False) -> None:
        """Fit the viewport into `width` cells and `height` lines. `alone`: it has the screen for itself."""
        lines, slots = max(1, height - 1 - alone), max(1, len(self._view.model.runs))
        self._tall = max(1, min(MOST_TALL, lines // slots)) if alone else 1
        self._legend_at = height - 1 if alone else 0
        self._view.width, self._view.height = max(1, width - self.gutter), max(1, lines // self._tall)

    def slot_at(self, y: int) -> int | None:
        """The slot that a line belongs to."""
        slots, row = self._view.slots(), (y - 1) // self._tall
        return slots[row] if y > 0 and row < len(slots) else None

    def cell_at(self, x: int, y: int) -> Cell | None:
        """The cell at a point."""
        slot, column = self.slot_at(y), self._view.columns().start + x - self.gutter
        if x < self.gutter or slot is None or column not in self._view.known():
            return None
        return Cell(slot, column)

    def line(self, y: int, styles: CellStyles, every: int, focused: bool) -> Strip:
        """One line, with a request's letter in every `every` columns."""
        width = self.gutter + self._view.width
        if y == 0:
            return header(self._view, self.title, width, styles, focused)
        if y == self._legend_at:
            return Strip([Segment(f" {legend(self._view)}", styles.faint)]).adjust_cell_length(width, styles.text)
        slot, part = self.slot_at(y), (y - 1) % self._tall
        if slot is None or part == self._tall - 1 > 0:  # a gap below each taller row
            return Strip.blank(width, styles.empty)
        return self._row(slot, width, styles, every, numbered=part == 0)

    def _row(self, slot: int, width: int, styles: CellStyles, every: int, numbered: bool) -> Strip:
        view, seen = self._view, self._view.columns()
        stop = min(seen.stop, view.known().stop)
        shown = pieces(view.model.runs[slot], view.scale, seen.start, stop)
        label = f"{slot:>{self.gutter - 1}}{self._more(slot)}" if numbered else " " * self.gutter
        number = Segment(label, styles.faint)
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
