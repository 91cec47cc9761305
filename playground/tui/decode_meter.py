"""How fast one request decodes between two switches, from the engine's steps, with the spread."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median, quantiles
from typing import NamedTuple

from playground.protocol.events import SlotWork, Step

GROUP = 8
LEAST_GROUPS = 3
KEPT_GROUPS = 256


class Rate(NamedTuple):
    """Decode tokens per second of one request among `rows`: median and half the middle half, over `tokens` each."""

    tps: float
    spread: float
    tokens: int
    rows: int


class DecodeMeter:
    """Takes steps of one option set. Counts only pairs of steps in which the same requests decoded and nothing else."""

    def __init__(self) -> None:
        self._rates: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT_GROUPS))
        self._previous: Step | None = None
        self._members: tuple[str, ...] = ()
        self._seconds, self._tokens, self._steps = 0.0, 0.0, 0

    def add(self, step: Step) -> None:
        """The next step."""
        works, previous = decoding(step), self._previous
        members = tuple([str(work.request_id) for work in works])
        if members and members == self._members and previous and step.index == previous.index + 1:
            self._seconds += step.start - previous.start
            self._tokens += sum([1 + work.accepted for work in works]) / len(members)
            self._steps += 1
            if self._steps == GROUP:
                self._close(len(members))
        else:
            self._seconds, self._tokens, self._steps = 0.0, 0.0, 0
        self._previous, self._members = step, members

    def rate(self, rows: int | None = None) -> Rate | None:
        """The rate with so many rows, or with the most usual number; None where too few tokens were seen."""
        if rows is None:
            rows = max(self._rates, key=lambda count: len(self._rates[count]), default=0)
        rates = self._rates.get(rows, ())
        if len(rates) < LEAST_GROUPS:
            return None
        low, _, high = quantiles(rates, n=4)
        return Rate(median(rates), (high - low) / 2, len(rates) * GROUP, rows)

    def _close(self, rows: int) -> None:
        if self._seconds > 0:
            self._rates[rows].append(self._tokens / self._seconds)
        self._seconds, self._tokens, self._steps = 0.0, 0.0, 0


def decoding(step: Step) -> list[SlotWork]:
    """The slots of a step that only decoded; none if it also did something else."""
    works = [work for work in step.slots if work.request_id is not None and work.phase != "empty"]
    return works if {work.phase for work in works} == {"decode"} else []
