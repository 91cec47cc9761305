"""Interleaved runs of two sides, and their figures side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from statistics import median

import msgspec

from playground.protocol.comparison import ComparedRun, Divergence, SideName
from playground.protocol.percentiles import median_of_known
from playground.text.sequences import first_difference

EXACT = 0.0
MISSED = 0.05  # how often the interval of a median does not hold it


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number on both sides: medians, the change from A to B (0.1 is 10 % more), and the `noise` of the
    worse side's median. `noise` 0: the number is exact; None: not known, since a side has a single run."""

    a: float | None
    b: float | None
    change: float | None
    noise: float | None

    @property
    def differs(self) -> bool:
        """Whether the change exceeds the noise; False if the noise is not known."""
        return self.change is not None and self.noise is not None and abs(self.change) > (self.noise or 1e-9)


class Comparison(msgspec.Struct):
    """Everything measured so far; `planned` runs in all. `models`: as the engines name them. `prefix_kept`: sides whose
    runs could not begin cold."""

    planned: int = 0
    runs: list[ComparedRun] = msgspec.field(default_factory=list)
    divergence: Divergence = msgspec.field(default_factory=Divergence)
    models: dict[str, str] = msgspec.field(default_factory=dict)
    weights: dict[str, int] = msgspec.field(default_factory=dict)
    effective: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    prefix_kept: set[SideName] = msgspec.field(default_factory=set)
    phase: str = ""

    def of(self, side: SideName) -> list[ComparedRun]:
        """The runs of one side."""
        return [run for run in self.runs if run.side == side]

    def text(self, side: SideName) -> str:
        """The answer of a side in its first run."""
        return next((run.text for run in self.runs if run.side == side), "")

    @property
    def unit(self) -> str:
        """What answers are compared by: characters, where a server reports no token ids."""
        return "token" if all(run.token_ids or not run.text for run in self.runs) else "character"

    @property
    def ttft(self) -> Figure:
        """TTFT in seconds."""
        return self._figure("ttft_s")

    @property
    def tps(self) -> Figure:
        """Decode tokens per second."""
        return self._figure("decode_tps")

    @property
    def kv(self) -> Figure:
        """Bytes of KV cache per token held."""
        return msgspec.structs.replace(self._figure("kv_per_token"), noise=self._rounding)

    @property
    def weight_bytes(self) -> Figure:
        """Bytes of weights."""
        a, b = self.weights.get("A"), self.weights.get("B")
        return Figure(a=a, b=b, change=_change(a, b), noise=EXACT)

    @property
    def first_difference(self) -> int | None:
        """Index of the first `unit` that differs; None if the answers are equal or one is missing."""
        if not (self.of("A") and self.of("B")):
            return None
        return first_difference(self._answer(self.of("A")[0]), self._answer(self.of("B")[0]))

    @property
    def repeats(self) -> bool:
        """Whether every run of A gave the same answer; if not, a different answer of B says little."""
        return len({tuple(self._answer(run)) for run in self.of("A")}) <= 1

    def _answer(self, run: ComparedRun) -> Sequence[object]:
        return run.token_ids if self.unit == "token" else run.text

    @property
    def _rounding(self) -> float:
        """How far a last block that is not full may move the bytes per token, as a share; 0 for equal lengths."""
        blocks = [own["block_size"] for own in self.effective.values() if own.get("block_size", "").isdecimal()]
        lengths = {run.tokens for run in self.runs}
        return max(map(int, blocks)) / max(1, min(lengths)) if blocks and len(lengths) > 1 else EXACT

    def _figure(self, name: str) -> Figure:
        sides = [[getattr(run, name) for run in self.of(side)] for side in ("A", "B")]
        known = [[value for value in values if value is not None] for values in sides]
        a, b = (median_of_known(values) for values in known)
        noises = [spread for values in known if (spread := noise(values)) is not None]
        return Figure(a=a, b=b, change=_change(a, b), noise=max(noises) if len(noises) == len(sides) else None)


def order(runs: int) -> Iterator[SideName]:
    """Sides in the order A B B A A B B A …: interleaved, so that a slowdown of the machine affects both, with half as
    many switches."""
    for number in range(runs):
        yield from ("A", "B") if number % 2 == 0 else ("B", "A")


def noise(values: Sequence[float]) -> float | None:
    """How far the median may be off, as a share of it; None for fewer than two values.

    It is the farther end of the median's interval by order statistics, of at least 95 %; for fewer than 6 runs the
    interval is all of them (94 % for 5). It assumes no distribution and shrinks with more runs (David and Nagaraja,
    Order Statistics, 7.1)."""
    middle = median(values) if len(values) > 1 else 0
    if not middle:
        return None
    left_out, ordered = _left_out(len(values)), sorted(values)
    return max(middle - ordered[left_out], ordered[-1 - left_out] - middle) / middle


def _left_out(runs: int) -> int:
    """Runs at either end without which an interval still holds the median in 95 % of cases."""
    missed, left_out = 2 * 0.5**runs, 0
    while (missed := missed + 2 * comb(runs, left_out + 1) * 0.5**runs) <= MISSED:
        left_out += 1
    return left_out


def _change(a: float | None, b: float | None) -> float | None:
    return b / a - 1 if a and b is not None else None
