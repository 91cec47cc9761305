"""The board's columns: which steps each holds, and what a column of several steps shows.

A column of several steps shows one event, if there was any: a preemption, else a start (two starts show as several),
else an end. Without an event it shows what filled most of it, the later of equals. It is empty only if all its steps
were.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

from playground.tui.board.model import BoardModel, Kind, SlotRun, last_step

Mark = Literal["", "start", "end", "preempted", "several"]


class Scale(Protocol):
    """Maps steps to places on a line that is cut into columns of equal width."""

    width: float

    def left(self, step: int) -> float:
        """Where a step begins."""

    def right(self, step: int) -> float:
        """Where a step ends."""

    def step_at(self, place: float) -> int:
        """The first step that ends after a place."""


class StepScale:
    """Steps of equal width, `width` of them per column. Methods as in `Scale`."""

    def __init__(self, width: int = 1) -> None:
        self.width: float = width

    def left(self, step: int) -> float:
        return step

    def right(self, step: int) -> float:
        return step + 1

    def step_at(self, place: float) -> int:
        return int(place)


class TimeScale:
    """Steps as wide as they took, `width` seconds per column, counted from the first step.

    A pause of the engine within a run is drawn as part of the run. Methods as in `Scale`.
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
    """The columns of the kept steps before `total`."""
    if total <= model.first:
        return range(0)
    first, last = scale.left(model.first), scale.right(total - 1)
    return range(column_of(scale, first), -int(-last // scale.width))


def steps_in(model: BoardModel, scale: Scale, column: int) -> range:
    """The kept steps that lie in a column, at least in part."""
    first = max(model.first, scale.step_at(column * scale.width))
    end = first
    while end < model.total and scale.left(end) < (column + 1) * scale.width:
        end += 1
    return range(first, end)


def pieces(runs: list[SlotRun], scale: Scale, first: int, end: int) -> Iterator[Piece]:
    """The pieces of a slot in the columns `first` to before `end`, from left to right; the other columns are empty."""
    column, shares = first, list[SlotRun]()
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


def _merged(runs: list[SlotRun], scale: Scale, column: int) -> Iterator[Piece]:
    """The piece of one column in which these runs begin or end."""
    starts, ends, preempted = list[SlotRun](), list[SlotRun](), list[SlotRun]()
    for run in runs:
        if run.starts and column_of(scale, scale.left(run.first)) == column:
            starts.append(run)
        if not run.open and scale.right(run.last) <= (column + 1) * scale.width:
            (ends if run.ends else preempted).append(run)
    marks: tuple[tuple[list[SlotRun], Mark], ...] = (
        (preempted, "preempted"),
        (starts, "several" if len(starts) > 1 else "start"),
        (ends, "end"),
    )
    for marked, mark in marks:
        if marked:
            mine = [run for run in runs if run.request_id == marked[-1].request_id]
            yield Piece(column, column + 1, marked[-1].request_id, _most(mine, scale, column).kind, mark)
            return
    run = runs[0] if len(runs) == 1 else _most(runs, scale, column)
    yield Piece(column, column + 1, run.request_id, run.kind)


def _most(runs: list[SlotRun], scale: Scale, column: int) -> SlotRun:
    """The run of the request and kind that fill most of the column; equals go to the later one."""
    low, high = column * scale.width, (column + 1) * scale.width
    filled: dict[tuple[str, Kind], float] = {}
    newest: dict[tuple[str, Kind], SlotRun] = {}
    for run in runs:
        key = run.request_id, run.kind
        part = min(high, scale.right(run.last)) - max(low, scale.left(run.first))
        filled[key] = filled.pop(key, 0.0) + part
        newest[key] = run
    return newest[max(reversed(filled), key=filled.__getitem__)]
