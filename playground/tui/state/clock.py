"""Maps this process's clock to the engine's, so that a submission has an engine time."""

from __future__ import annotations

from math import inf


class EngineClock:
    """Estimates the clocks' offset by the quickest event: each arrives later than the time that it carries."""

    def __init__(self) -> None:
        self._apart = inf

    def arrived(self, here: float, engine: float) -> None:
        """An event of engine time `engine` arrived when our clock was `here`."""
        self._apart = min(self._apart, here - engine)

    def engine_time(self, here: float) -> float | None:
        """The engine's clock when ours was `here`, late by the quickest delivery; None before the first event."""
        return None if self._apart == inf else here - self._apart

    def reset(self) -> None:
        """Forget the offset: a new process has a new clock."""
        self._apart = inf
