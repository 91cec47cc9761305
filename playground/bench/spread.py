"""A part of a list that looks like the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(items: Sequence[T], most: int | None) -> list[T]:
    """At most so many of them, at equal distances; None is all."""
    if most is None or most >= len(items):
        return list(items)
    return [items[at * len(items) // most] for at in range(most)]
