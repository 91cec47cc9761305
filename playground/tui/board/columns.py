"""The board's columns: which steps stand in one, and what a column that holds several steps shows.

The rule for merged columns: what happened is never lost, a preemption before a start before an end; two starts show as
several. Where nothing happened, the column shows what filled most of it, the later of equals; it is empty only if all
of it was.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

from playground.tui.board.model import BoardModel, Kind, Run, last_step

Mark = Literal["", "start", "end", "preempted", "several"]


class Scale(Protocol):
    """Lays steps on a line that is cut into columns of equal width."""

    width: float

    def left(self, step: int) -> float:
        """Where a step begins."""

    def right(self, step: int) -> float:
        """Where a step ends."""

    def step_at(self, place: float) -> int:
        """The first step that ends after this place."""


class StepScale:
    """Every step is as wide as every other: `width` of them stand in a column. Methods as in `Scale`."""

    def __init__(self, width: int = 1) -> None:
        self.width: float = width

    def left(self, step: int) -> float:
        return step

    def right(self, step: int) -> float:
        return step + 1

    def step_at(self, place: float) -> int:
        return int(place)


class TimeScale:
    """A step is as wide as it took: a column is `width` seconds, counted from the first step.

    Pauses of the engine within a run count as part of it. Methods as in `Scale`.
    """

    def __init__(self, model: BoardModel, width: float) -> None:
        self._model, self.width = model, width

    def left(self, step: int) -> float:
        return self._model.moment(max(step, self._model.first)).start - self._model.origin

    def right(self, step: int) -> float:
        moment = self._model.moment(max(step, self._model.first))
        return moment.start + moment.seconds - self._model.origin

    def step_at(self, place: float) -> int:
        steps = range(self._model.first, self._model.total)
        return self._model.first + bisect_right(steps, place, key=self.right)


class Piece(NamedTuple):
    """Columns `first` to before `end` of one slot that look the same. A piece with a mark is one column wide."""

    first: int
    end: int
    request_id: str
    kind: Kind
    mark: Mark = ""


def column_of(scale: Scale, place: float) -> int:
    """The column that a place lies in."""
    return int(place // scale.width)


def columns(model: BoardModel, scale: Scale, total: int) -> range:
    """The columns that kept steps before `total` lie in."""
    if total <= model.first:
        return range(0)
    first, last = scale.left(model.first), scale.right(total - 1)
    return range(column_of(scale, first), -int(-last // scale.width))


def steps_in(model: BoardModel, scale: Scale, column: int) -> range:
    """The kept steps that stand in a column, in part at least."""
    first = max(model.first, scale.step_at(column * scale.width))
    end = first
    while end < model.total and scale.left(end) < (column + 1) * scale.width:
        end += 1
    return range(first, end)


def pieces(runs: list[Run], scale: Scale, first: int, end: int) -> Iterator[Piece]:
    """What the columns `first` to before `end` of a slot show, from left to right; columns left out are empty."""
    column, shares = first, list[Run]()
    start = bisect_left(runs, scale.step_at(first * scale.width), key=last_step)
    for index in range(start, len(runs)):
        run = runs[index]
        left, right = column_of(scale, scale.left(run.first)), -int(-scale.right(run.last) // scale.width) - 1
        if left >= end:
            break
        if left != column and shares:
            yield from _merged(shares, scale, column)
            shares = []
        shares.append(run)
        if right > left:
            yield from _merged(shares, scale, left)
            shares = [run]
            if right > left + 1:
                yield Piece(left + 1, right, run.request_id, run.kind)
        column = right
    if shares:
        yield from _merged(shares, scale, column)


def _merged(runs: list[Run], scale: Scale, column: int) -> Iterator[Piece]:
    """One column that these runs begin or end in."""
    starts, ends, preempted = list[Run](), list[Run](), list[Run]()
    for run in runs:
        if run.starts and column_of(scale, scale.left(run.first)) == column:
            starts.append(run)
        if not run.open and scale.right(run.last) <= (column + 1) * scale.width:
            (ends if run.ends else preempted).append(run)
    marks: tuple[tuple[list[Run], Mark], ...] = (
        (preempted, "preempted"),
        (starts, "several" if len(starts) > 1 else "start"),
        (ends, "end"),
    )
    for marked, mark in marks:
        if marked:
            yield Piece(column, column + 1, marked[-1].request_id, marked[-1].kind, mark)
            return
    run = runs[0] if len(runs) == 1 else _most(runs, scale, column)
    yield Piece(column, column + 1, run.request_id, run.kind)


def _most(runs: list[Run], scale: Scale, column: int) -> Run:
    """The run of the request and kind that fill most of the column; equals go to the later one."""
    low, high = column * scale.width, (column + 1) * scale.width
    filled: dict[tuple[str, Kind], float] = {}
    newest: dict[tuple[str, Kind], Run] = {}
    for run in runs:
        key = run.request_id, run.kind
        part = min(high, scale.right(run.last)) - max(low, scale.left(run.first))
        filled[key] = filled.pop(key, 0.0) + part
        newest[key] = run
    return newest[max(reversed(filled), key=filled.__getitem__)]
