"""Where sequences of tokens, words or characters agree. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def common_prefix(*rows: Sequence[object]) -> int:
    """How many items all rows begin with; 0 without rows."""
    places = enumerate(zip(*rows, strict=False))
    shortest = min(map(len, rows), default=0)
    return next((index for index, items in places if any(item != items[0] for item in items)), shortest)


def first_difference(one: Sequence[object], other: Sequence[object]) -> int | None:
    """Index of the first item that differs; the end of one is a difference too. None if the sequences are equal."""
    at = common_prefix(one, other)
    return None if len(one) == len(other) == at else at
