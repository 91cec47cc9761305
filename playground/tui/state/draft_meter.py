"""Whether drafts pay: the tokens of a step that verifies some against its cost in plain decode steps, both measured."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from typing import NamedTuple

from playground.protocol.steps import Step
from playground.session.drafts import DraftCounts
from playground.tui.state.decode_meter import decoding

KEPT, LEAST = 64, 8


class BreakEven(NamedTuple):
    """The `cost` of a step of `rows` requests that verifies drafts, in plain ones, and the `tokens` per row of it."""

    cost: float
    tokens: float
    rows: int

    @property
    def pays(self) -> bool:
        """A step makes more than it costs."""
        return self.tokens > self.cost


class DraftMeter:
    """Steps of one option set but for speculation itself. Only steps that decode and nothing else count, by their
    number of rows; drafts that did not hold are counted all the same."""

    def __init__(self) -> None:
        self.counts = DraftCounts()
        self._plain: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._verifying: dict[int, deque[tuple[float, float]]] = defaultdict(lambda: deque(maxlen=KEPT))

    def add(self, step: Step) -> None:
        """The next step."""
        self.counts.add(step)
        works = decoding(step)
        rows = len(works)
        if any(work.speculated for work in works):
            self._verifying[rows].append((step.seconds, sum(1 + work.accepted for work in works) / rows))
        elif works:
            self._plain[rows].append(step.seconds)

    @property
    def break_even(self) -> BreakEven | None:
        """With the number of rows of which most steps verified drafts; None until both kinds of steps were seen."""
        known = [rows for rows in self._verifying if min(len(self._verifying[rows]), len(self._plain[rows])) >= LEAST]
        if not known:
            return None
        rows = max(known, key=lambda rows: len(self._verifying[rows]))
        seconds, tokens = zip(*self._verifying[rows], strict=True)
        return BreakEven(median(seconds) / median(self._plain[rows]), sum(tokens) / len(tokens), rows)
