"""Percentiles over tokens and over requests: the one definition for measuring and for display."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil

Gap = tuple[float, int]
SHARES = (0.5, 0.9, 0.99)


def percentiles(gaps: Iterable[Gap], shares: Sequence[float]) -> list[float | None]:
    """Nearest rank over tokens: a gap that brought k tokens counts as k of gap / k. None where there are no gaps."""
    return nearest_ranks(sorted((gap / count, count) for gap, count in gaps), shares)


def median_of_known(values: Iterable[float | None]) -> float | None:
    """The median of the values that are not None. Does not import `statistics`, which would delay the first frame by
    some milliseconds."""
    known = sorted(value for value in values if value is not None)
    middle = len(known) // 2
    return (known[middle] + known[~middle]) / 2 if known else None


def nearest_ranks(each: Sequence[Gap], shares: Sequence[float]) -> list[float | None]:
    """Percentiles, by nearest rank, of (seconds of a token, how many such tokens) in rising order. None where empty."""
    ranks = list(accumulate(count for _, count in each))  # in C: a long answer has thousands
    if not ranks or not ranks[-1]:
        return [None for _ in shares]
    return [each[bisect_left(ranks, max(1, ceil(share * ranks[-1])))][0] for share in shares]
