"""The time axis that both boards share: seconds per column, and ticks."""

from __future__ import annotations

from math import ceil, floor, log, log10

from playground.text import numbers
from playground.tui.state.load_runs import LoadRuns

GROWTH = 1.3
FINEST = 16
TICK_EVERY = 14
ROUNDING = 1 + 1e-6  # the last step of the longest run ends within the last column


def column_seconds(runs: LoadRuns, width: int) -> float | None:
    """Seconds per column at which the longer run fits into `width` columns; None before the first step. During a run
    the axis grows in jumps, not with every step."""
    known = [run.makespan for run in runs.runs.values() if run.makespan]
    expected = [
        each.makespan_s
        for each in runs.predicted.values()
        if each.makespan_s and runs.running and each.policy in runs.runs
    ]
    if not known:
        return None
    longest = max(known + expected)
    if runs.running and longest > max(expected, default=0.0) * 0.999:
        longest = GROWTH ** ceil(log(longest, GROWTH))
    return longest * ROUNDING / max(1, width)


def ticks(first: int, width: int, seconds: float) -> list[tuple[int, str]]:
    """(column from the left, label) of ticks at round seconds; `first` is the number of the leftmost column."""
    every = _round_up(seconds * TICK_EVERY)
    digits = max(0, -floor(log10(every)))
    number = ceil(first * seconds / every - 1e-9)
    found = []
    while (column := round(number * every / seconds) - first) < width:
        found.append((column, f"{number * every:.{digits}f} s"))
        number += 1
    return found


def column_text(seconds: float) -> str:
    """The legend: how many seconds a column is."""
    return f"1 column = {numbers.seconds(seconds)}"


def _round_up(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)
