"""Which part of the board is visible: columns that follow the newest step or are paused, rows, zoom and cursor."""

from __future__ import annotations

from typing import NamedTuple

from playground.tui.board.columns import Scale, StepScale, TimeScale, columns
from playground.tui.board.model import BoardModel, Usage

MOST_ZOOM = 64


class Cell(NamedTuple):
    """A place on the board."""

    slot: int
    column: int


class Still(NamedTuple):
    """A paused view: the column after its last one, and how many steps there were when it was last moved."""

    end: int
    total: int


class Viewport:
    """Shows `width` columns and `height` slots of a model. `still` is None while it follows the newest step.

    With `seconds`, columns are that wide in time instead of steps, so that two boards can be compared. Both then follow
    the newest step of one of them, `lead`.
    A full board scrolls by half its width at once: what moves with every step cannot be read.
    """

    def __init__(self, model: BoardModel) -> None:
        self.model = model
        self.width, self.height = 1, 1
        self.zoom, self.top = 1, 0
        self.seconds: float | None = None
        self.lead: Viewport = self
        self.still: Still | None = None
        self.cursor: Cell | None = None

    @property
    def scale(self) -> Scale:
        """Columns of `zoom` steps, or of `zoom` times `seconds`."""
        return StepScale(self.zoom) if self.seconds is None else TimeScale(self.model, self.zoom * self.seconds)

    @property
    def total(self) -> int:
        """The number of steps, without those that came after the view was paused."""
        return self.still.total if self.still else self.model.total

    def reset(self) -> None:
        """Start again, after the model was cleared."""
        self.still, self.cursor, self.top = None, None, 0

    def known(self) -> range:
        """The columns that hold steps."""
        return columns(self.model, self.scale, self.total)

    def columns(self) -> range:
        """The visible columns. The board fills from the left before it begins to scroll."""
        known = self.lead.known()
        first = max(known.start, (self.still.end if self.still else self._followed(known.stop)) - self.width)
        return range(first, first + self.width)

    def slots(self) -> range:
        """The visible slots."""
        top = min(self.top, max(0, len(self.model.runs) - self.height))
        return range(top, min(top + self.height, len(self.model.runs)))

    def oldest(self) -> int:
        """The first visible step."""
        return self.scale.step_at(self.columns().start * self.scale.width)

    def usage(self) -> Usage:
        """Occupancy and waste of the visible steps."""
        end = min(self.scale.step_at(self.columns().stop * self.scale.width), self.total)
        return self.model.usage_of(self.oldest(), end - 1)

    def newer(self) -> int:
        """How many steps came after the view was paused."""
        return self.model.total - self.total

    def pause(self) -> None:
        """Pause, or follow again."""
        if self.still:
            self.follow()
        else:
            self._stand(self.columns().stop)

    def follow(self) -> None:
        """Follow the newest step."""
        self.still, self.cursor = None, None

    def zoom_by(self, by: int) -> None:
        """Put twice (1) or half (-1) as many steps in a column; the right edge of a paused view stays where it is."""
        before = self.zoom
        self.zoom = min(MOST_ZOOM, max(1, before * 2 if by > 0 else before // 2))
        if self.still:
            self.still = self.still._replace(end=-(-self.still.end * before // self.zoom))
        if self.cursor:
            self.cursor = self.cursor._replace(column=self.cursor.column * before // self.zoom)

    def scroll(self, by: int) -> None:
        """Move by `by` columns and pause there; once the newest step comes into view, follow it again."""
        end = self.columns().stop + by
        leading = self.lead.model
        known = columns(leading, self.lead.scale, leading.total)
        if end >= self._followed(known.stop):
            self.follow()
        else:
            self._stand(max(end, known.start + self.width))

    def move(self, slots: int, by: int) -> None:
        """Move the cursor, which appears at the newest step; the view pauses and goes along."""
        known = self.known()
        if not known or not self.model.runs:
            return
        if self.cursor is None:
            self.point(Cell(self.slots().start, min(self.columns().stop, known.stop) - 1))
            return
        known = columns(self.model, self.scale, self.model.total)
        slot = _within(self.cursor.slot + slots, range(len(self.model.runs)))
        self.point(Cell(slot, _within(self.cursor.column + by, known)))

    def point(self, cell: Cell) -> None:
        """Put the cursor on a cell, and bring the cell into view."""
        seen = self.columns()
        self._stand(seen.stop)
        self.cursor = cell
        if cell.column < seen.start:
            self._stand(cell.column + self.width)
        elif cell.column >= seen.stop:
            self._stand(cell.column + 1)
        self.top = min(max(self.top, cell.slot - self.height + 1), cell.slot)

    def _stand(self, end: int) -> None:
        self.still = Still(end, self.model.total)

    def _followed(self, stop: int) -> int:
        """The end of a view that shows the column before `stop`, in jumps of half a width."""
        jump = max(1, self.width // 2)
        return self.width + -(-max(0, stop - self.width) // jump) * jump


def _within(value: int, bounds: range) -> int:
    return min(max(value, bounds.start), bounds.stop - 1)
