"""Maps this process's clock to the engine's, so that a submission has an engine time."""

from __future__ import annotations

from math import inf


class EngineClock:
    """An event arrives after the time that it carries; the quickest one tells best how far the clocks are apart."""

    def __init__(self) -> None:
        self._apart = inf

    def arrived(self, here: float, engine: float) -> None:
        """Take note of an event of the engine's time `engine` that came in when our clock was `here`."""
        self._apart = min(self._apart, here - engine)

    def engine_time(self, here: float) -> float | None:
        """The engine's clock when ours was `here`, late by the quickest delivery; None before any event."""
        return None if self._apart == inf else here - self._apart

    def reset(self) -> None:
        """A new process has a new clock."""
        self._apart = inf
