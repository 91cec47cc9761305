"""Puts this process's clock and the engine's beside each other, so that a submission has a time on the engine's."""

from __future__ import annotations

from math import inf


class EngineClock:
    """Every event that carries a time came after it; the quickest of them tells best how far the clocks are apart."""

    def __init__(self) -> None:
        self._apart = inf

    def arrived(self, here: float, engine: float) -> None:
        """At `here` an event of the engine's time `engine` came in."""
        self._apart = min(self._apart, here - engine)

    def engine_time(self, here: float) -> float | None:
        """The engine's clock when ours was `here`, late by the quickest delivery; None before any event."""
        return None if self._apart == inf else here - self._apart

    def reset(self) -> None:
        """A new process has a new clock."""
        self._apart = inf
