"""Requests that are still to arrive, each at its moment."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Arriving = TypeVar("Arriving")


class Arrivals(Generic[Arriving]):
    """Requests in order of their moments, on one clock; at one moment in order of their numbers."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Arriving]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Arriving]:
        return (request for _, _, request in self._heap)

    @property
    def next(self) -> float | None:
        """The moment of the first arrival; None where nothing is to arrive."""
        return self._heap[0][0] if self._heap else None

    def put(self, moment: float, number: int, request: Arriving) -> None:
        """Add a request that arrives at this moment."""
        heapq.heappush(self._heap, (moment, number, request))

    def due(self, now: float) -> Iterator[Arriving]:
        """Take out the requests that have arrived by now."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def keep(self, wanted: Callable[[Arriving], bool]) -> None:
        """Keep the wanted requests; all others never arrive."""
        self._heap = [each for each in self._heap if wanted(each[2])]
        heapq.heapify(self._heap)
