"""An evenly spaced part of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(items: Sequence[T], most: int | None) -> list[T]:
    """At most `most` items, evenly spaced; None takes all."""
    if most is None or most >= len(items):
        return list(items)
    return [items[at * len(items) // most] for at in range(most)]
