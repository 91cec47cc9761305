"""The progress of a suite, and the time left at the rate so far."""

from __future__ import annotations

from time import perf_counter

from playground.bench.suites.suite import OnProgress, Row, SuiteProgress


class Pace:
    """The rate is measured from the first step on: work done once at the start says nothing about the rest."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._since = self._lap = perf_counter()
        self._first = self._done = 0
        self._eta: float | None = None

    def step(self, done: int, total: int, figure: str = "", row: Row | None = None) -> None:
        """Report the next step, or a row between two steps."""
        if done > self._done:
            self._done, self._eta = done, self._left(done, total)
        self._on_progress(SuiteProgress(done, total, self._eta, figure, row))

    def lap(self) -> float:
        """Seconds since the previous lap, or since the beginning."""
        before, self._lap = self._lap, perf_counter()
        return self._lap - before

    def _left(self, done: int, total: int) -> float:
        seconds, steps = perf_counter() - self._since, done - self._first
        if not self._first:
            self._first, self._since = done, perf_counter()
        return seconds / steps * (total - done)
