"""Requests that arrive later."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Arriving = TypeVar("Arriving")


class Arrivals(Generic[Arriving]):
    """Requests by arrival time on one clock; those that arrive together keep the order of their numbers."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Arriving]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Arriving]:
        return (request for _, _, request in self._heap)

    @property
    def next(self) -> float | None:
        """The time of the next arrival; None if there is none."""
        return self._heap[0][0] if self._heap else None

    def put(self, moment: float, number: int, request: Arriving) -> None:
        """Add a request that arrives at this time."""
        heapq.heappush(self._heap, (moment, number, request))

    def due(self, now: float) -> Iterator[Arriving]:
        """Take out the requests that have arrived by now."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def keep(self, wanted: Callable[[Arriving], bool]) -> None:
        """Keep the wanted requests; all others never arrive."""
        self._heap = [each for each in self._heap if wanted(each[2])]
        heapq.heapify(self._heap)
