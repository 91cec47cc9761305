"""The runs that a filter finds: any number of ids, and the rows around the cursor."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from playground.session.history.run import Run

KEPT = 2000


class RunList:
    """`marked` holds ids in the order in which they were marked."""

    def __init__(self) -> None:
        self.ids: array[int] = array("q")
        self.cursor = 0
        self.top = 0
        self.marked: list[int] = []
        self._known: dict[int, Run] = {}

    def replace(self, ids: array[int]) -> None:
        """Set other runs or another order; the cursor stays on its run, unless it is on the first."""
        here = self.ids[self.cursor] if self.cursor and self.cursor < len(self.ids) else None
        self.ids = ids
        self.cursor = next((index for index, each in enumerate(ids) if each == here), 0) if here is not None else 0
        self.top = min(self.top, self.cursor)

    def forget(self) -> None:
        """Forget the rows, which have changed."""
        self._known.clear()

    def learn(self, runs: Iterable[Run]) -> None:
        """Take rows that were read."""
        if len(self._known) > KEPT:
            self._known.clear()
        self._known |= {run.id: run for run in runs}

    def rows(self, height: int) -> list[tuple[int, Run | None]]:
        """(place, run) of every row that fits, with the cursor among them; the run is None if it is not read yet."""
        self.top = max(0, min(self.top, self.cursor, len(self.ids) - height))
        self.top = max(self.top, self.cursor - height + 1)
        places = range(self.top, min(len(self.ids), self.top + height))
        return [(place, self._known.get(self.ids[place])) for place in places]

    def wanted(self, height: int) -> list[int]:
        """Ids to read, with a screenful beyond either end; none if all visible rows are read."""
        seen = [self.ids[place] for place, run in self.rows(height) if run is None]
        if not seen:
            return []
        around = self.ids[max(0, self.top - height) : self.top + 2 * height]
        return [each for each in around if each not in self._known]

    def move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(len(self.ids) - 1, self.cursor + by))

    def scroll(self, by: int, height: int) -> None:
        """Scroll the rows; the cursor moves only to stay visible."""
        self.top = max(0, min(len(self.ids) - height, self.top + by))
        self.cursor = max(self.top, min(self.top + height - 1, self.cursor, len(self.ids) - 1))

    def mark(self) -> None:
        """Mark or unmark the run under the cursor, and go to the next one."""
        if not self.ids:
            return
        here = self.ids[self.cursor]
        if here in self.marked:
            self.marked.remove(here)
        else:
            self.marked.append(here)
        self.move(1)

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        return self._known.get(self.ids[self.cursor]) if self.cursor < len(self.ids) else None

    @property
    def chosen(self) -> list[int]:
        """The marked runs, or else the one under the cursor."""
        return self.marked or list(self.ids[self.cursor : self.cursor + 1])
