"""Measures whether drafting pays: tokens of a verifying step against its cost in plain decode steps."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from typing import NamedTuple

from playground.protocol.steps import Step
from playground.session.drafts import DraftCounts
from playground.tui.state.decode_meter import decoding

KEPT, LEAST = 64, 8


class BreakEven(NamedTuple):
    """A step of `rows` requests that verifies drafts: its `cost` in plain steps, and its `tokens` per row."""

    cost: float
    tokens: float
    rows: int

    @property
    def pays(self) -> bool:
        """Whether a verifying step makes more tokens than plain steps would in its time."""
        return self.tokens > self.cost


class DraftMeter:
    """Measures steps of one option set, speculation on or off. Only steps that do nothing but decode count, by their
    number of rows; rejected drafts count too."""

    def __init__(self) -> None:
        self.counts = DraftCounts()
        self._plain: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._verifying: dict[int, deque[tuple[float, float]]] = defaultdict(lambda: deque(maxlen=KEPT))

    def add(self, step: Step) -> None:
        """Add the next step."""
        self.counts.add(step)
        works = decoding(step)
        rows = len(works)
        if any(work.speculated for work in works):
            self._verifying[rows].append((step.seconds, sum(1 + work.accepted for work in works) / rows))
        elif works:
            self._plain[rows].append(step.seconds)

    @property
    def break_even(self) -> BreakEven | None:
        """At the number of rows with the most verifying steps; None until there are enough steps of both kinds."""
        known = [rows for rows in self._verifying if min(len(self._verifying[rows]), len(self._plain[rows])) >= LEAST]
        if not known:
            return None
        rows = max(known, key=lambda rows: len(self._verifying[rows]))
        seconds, tokens = zip(*self._verifying[rows], strict=True)
        return BreakEven(median(seconds) / median(self._plain[rows]), sum(tokens) / len(tokens), rows)
