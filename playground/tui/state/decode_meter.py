"""Measures how fast one request decodes between two switches, from the engine's steps, with the spread."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from playground.protocol.steps import SlotWork, Step

GROUP = 8
LEAST_GROUPS = 3
KEPT_GROUPS = 256
# Groups compared on each side of a switch; farther away the context length differs too much.
NEAR_GROUPS = 16


class Rate(NamedTuple):
    """Decode tokens per second of one request among `rows`: the median over `tokens` tokens each of these `requests`.
    `spread` is half the interquartile range; `context` the median number of tokens computed before."""

    tps: float
    spread: float
    tokens: int
    rows: int
    requests: frozenset[str]
    context: float


class Group(NamedTuple):
    """The measurement of `GROUP` steps."""

    tps: float
    requests: tuple[str, ...]
    context: float


class DecodeMeter:
    """Measures the steps of one option set. Counts only pairs of steps in which the same requests decoded and nothing
    else. `contexts`: tokens of each request that were computed before."""

    def __init__(self, contexts: dict[str, int] | None = None) -> None:
        self.contexts: dict[str, int] = defaultdict(int, contexts or {})
        self._groups: dict[int, deque[Group]] = defaultdict(lambda: deque(maxlen=KEPT_GROUPS))
        self._first: dict[int, list[Group]] = defaultdict(list)
        self._previous: Step | None = None
        self._members: tuple[str, ...] = ()
        self._seconds, self._tokens, self._steps = 0.0, 0.0, 0

    def add(self, step: Step) -> None:
        """Add the next step."""
        self._count(step)
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
        """The rate with `rows` rows, by default the most frequent number; None while there are too few tokens."""
        rows = self._usual if rows is None else rows
        return _rate(list(self._groups.get(rows, ())), rows)

    @property
    def known(self) -> list[int]:
        """The numbers of rows whose rate is known, the most frequent first."""
        enough = [rows for rows, groups in self._groups.items() if len(groups) >= LEAST_GROUPS]
        return sorted(enough, key=lambda rows: -len(self._groups[rows]))

    @property
    def rows(self) -> int:
        """The rows that decoded in the newest step."""
        return len(self._members)

    @property
    def steps_missing(self) -> int:
        """Steps until the rate with the rows of the newest step is known."""
        counted = len(self._groups.get(self.rows, ())) * GROUP + self._steps
        return max(0, LEAST_GROUPS * GROUP - counted)

    def first(self, rows: int) -> Rate | None:
        """The rate of the first tokens alone, with `rows` rows."""
        return _rate(self._first.get(rows, []), rows)

    def newest(self, rows: int) -> Rate | None:
        """The rate of the newest tokens alone, with `rows` rows."""
        return _rate(list(self._groups.get(rows, ()))[-NEAR_GROUPS:], rows)

    @property
    def _usual(self) -> int:
        return max(self._groups, key=lambda count: len(self._groups[count]), default=0)

    def _count(self, step: Step) -> None:
        for request_id in step.preempted:
            self.contexts.pop(request_id, None)  # it is computed again
        for work in step.slots:
            if work.request_id and work.busy:
                self.contexts[work.request_id] += work.tokens if work.phase == "prefill" else 1 + work.accepted

    def _close(self, rows: int) -> None:
        if self._seconds > 0:
            context = sum(self.contexts[name] for name in self._members) / rows
            group = Group(self._tokens / self._seconds, self._members, context)
            self._groups[rows].append(group)
            if len(self._first[rows]) < NEAR_GROUPS:
                self._first[rows].append(group)
        self._seconds, self._tokens, self._steps = 0.0, 0.0, 0


def _rate(groups: Sequence[Group], rows: int) -> Rate | None:
    if len(groups) < LEAST_GROUPS:
        return None
    rates = [group.tps for group in groups]
    low, _, high = quantiles(rates, n=4)
    requests = frozenset(name for group in groups for name in group.requests)
    context = median(group.context for group in groups)
    return Rate(median(rates), (high - low) / 2, len(rates) * GROUP, rows, requests, context)


def decoding(step: Step) -> list[SlotWork]:
    """The slots of a step that did nothing but decode; none for other steps."""
    works = [work for work in step.slots if work.request_id is not None and work.phase != "empty"]
    return works if {work.phase for work in works} == {"decode"} else []
