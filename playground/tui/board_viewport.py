"""Which part of the board is seen: columns that follow the newest step or stand still, rows, zoom and cursor."""

from __future__ import annotations

from typing import NamedTuple

from playground.tui.board_columns import Scale, StepScale, columns
from playground.tui.board_model import BoardModel, Usage

MOST_ZOOM = 64


class Cell(NamedTuple):
    """A place on the board."""

    slot: int
    column: int


class Viewport:
    """Moves over a model; `width` columns and `height` slots are seen. `end` is None while the newest step is seen."""

    def __init__(self, model: BoardModel) -> None:
        self.model = model
        self.width, self.height = 1, 1
        self.zoom, self.top = 1, 0
        self.end: int | None = None
        self.cursor: Cell | None = None

    @property
    def scale(self) -> Scale:
        """`zoom` steps stand in a column."""
        return StepScale(self.zoom)

    @property
    def following(self) -> bool:
        """The newest step is seen as it comes."""
        return self.end is None

    def reset(self) -> None:
        """After the model was cleared."""
        self.end, self.cursor, self.top = None, None, 0

    def columns(self) -> range:
        """The columns that are seen. The board fills from the left before it begins to move."""
        all_columns = columns(self.model, self.scale)
        end = all_columns.stop if self.end is None else self.end
        first = max(all_columns.start, end - self.width)
        return range(first, first + self.width)

    def slots(self) -> range:
        """The slots that are seen."""
        top = min(self.top, max(0, len(self.model.runs) - self.height))
        return range(top, min(top + self.height, len(self.model.runs)))

    def usage(self) -> Usage:
        """Occupancy and waste of the steps that are seen."""
        seen = self.columns()
        first = self.scale.step_at(seen.start * self.scale.width)
        return self.model.usage_of(first, self.scale.step_at(seen.stop * self.scale.width) - 1)

    def newer(self) -> int:
        """How many steps came after those that are seen."""
        last = self.scale.step_at(self.columns().stop * self.scale.width)
        return max(0, self.model.total - last)

    def pause(self) -> None:
        """Stand still, or follow again."""
        if self.following:
            self.end = columns(self.model, self.scale).stop
        else:
            self.follow()

    def follow(self) -> None:
        """Show the newest step, and each that comes."""
        self.end, self.cursor = None, None

    def zoom_by(self, steps: int) -> None:
        """Twice (1) or half (-1) as many steps a column; what stands at the right edge stays there."""
        zoom = min(MOST_ZOOM, max(1, self.zoom * 2 if steps > 0 else self.zoom // 2))
        if self.end is not None:
            self.end = -(-self.end * self.zoom // zoom)
        if self.cursor:
            self.cursor = self.cursor._replace(column=self.cursor.column * self.zoom // zoom)
        self.zoom = zoom

    def scroll(self, by: int) -> None:
        """Move by so many columns, and stand still there; beyond the newest step it follows again."""
        known, seen = columns(self.model, self.scale), self.columns()
        end = min(seen.stop, known.stop) + by
        if end >= known.stop:
            self.end = None
        else:
            self.end = max(end, min(known.start + self.width, known.stop))

    def move(self, slots: int, by: int) -> None:
        """Move the cursor, which appears at the newest step; the view stands still and goes along."""
        known = columns(self.model, self.scale)
        if not known or not self.model.runs:
            return
        if self.cursor is None:
            self.point(Cell(self.slots().start, min(self.columns().stop, known.stop) - 1))
            return
        slot = min(max(0, self.cursor.slot + slots), len(self.model.runs) - 1)
        column = min(max(known.start, self.cursor.column + by), known.stop - 1)
        self.point(Cell(slot, column))

    def point(self, cell: Cell) -> None:
        """Put the cursor on a cell, and bring that into view."""
        self.cursor = cell
        seen = self.columns()
        self.end = min(seen.stop, columns(self.model, self.scale).stop)
        if cell.column < seen.start:
            self.end = cell.column + self.width
        elif cell.column >= seen.stop:
            self.end = cell.column + 1
        self.top = min(max(self.top, cell.slot - self.height + 1), cell.slot)
