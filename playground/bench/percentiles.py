"""Percentiles over tokens and over requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

Gap = tuple[float, int]


def percentiles(gaps: Iterable[Gap], shares: Sequence[float]) -> list[float | None]:
    """Nearest rank over tokens: a gap that brought k tokens counts as k of gap / k. None where there are no gaps."""
    return nearest_ranks(sorted((gap / count, count) for gap, count in gaps), shares)


def nearest_ranks(each: Sequence[Gap], shares: Sequence[float]) -> list[float | None]:
    """The same of (seconds of a token, how many such tokens) in rising order."""
    total = sum(count for _, count in each)
    found: list[float | None] = []
    running, index = 0, -1
    for share in shares:
        while total and running < max(1, ceil(share * total)):
            index += 1
            running += each[index][1]
        found.append(each[index][0] if total else None)
    return found
