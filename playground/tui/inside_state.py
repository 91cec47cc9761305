"""What screen 5 shows: a fold over measurements and steps. Knows nothing of Textual."""

from __future__ import annotations

from collections import deque

from playground.protocol.events import (
    AttentionMeasured,
    AttentionPoint,
    Ceilings,
    LoadCancelled,
    ModelLoaded,
    OutliersMeasured,
    Step,
    StepsExecuted,
)
from playground.protocol.wire import AnyEvent

TRAIL = 48


class InsideState:
    """`points` grow while attention is measured; `trail` holds the newest steps in which something was computed."""

    def __init__(self) -> None:
        self.outliers: OutliersMeasured | None = None
        self.points: list[AttentionPoint] = []
        self.ceilings: Ceilings | None = None
        self.done = self.total = 0
        self.trail: deque[Step] = deque(maxlen=TRAIL)

    @property
    def measuring(self) -> bool:
        """Attention is being measured."""
        return self.done < self.total

    def add_event(self, event: AnyEvent) -> None:
        """Fold."""
        match event:
            case OutliersMeasured():
                self.outliers = event
            case AttentionMeasured():
                self._add_points(event)
            case StepsExecuted():
                self.trail.extend(step for step in event.steps if any(work.tokens for work in step.slots))
            case ModelLoaded() | LoadCancelled():
                self.__init__()  # type: ignore[misc]

    def stop(self) -> None:
        """No more points will come."""
        self.total = self.done

    def _add_points(self, event: AttentionMeasured) -> None:
        if event.done == 0:
            self.points = []
        self.points += event.points
        self.ceilings, self.done, self.total = event.ceilings, event.done, event.total
