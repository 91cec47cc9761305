"""What a suite is to a screen: its name and sizes, and one run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from playground.bench.report import Circumstances, Report


class Row(NamedTuple):
    """One result: what, its verdict (a word), how long it took, what there is to say."""

    name: str
    verdict: str
    seconds: float | None
    detail: str


class Told(NamedTuple):
    """How far a suite is: `done` of `total` of its own steps, the figure so far in words, and a new row if there is."""

    done: int
    total: int
    eta_s: float | None
    figure: str = ""
    row: Row | None = None


Tell = Callable[[Told], None]


class Suite(NamedTuple):
    """`sizes` are those to choose from, the first one quick; `unit` names what a size counts. `measure`: its figure of
    quality in the history, if it has one. `hears`: it runs on the speech worker instead of an engine."""

    title: str
    unit: str
    sizes: Sequence[int]
    measure: str = ""
    hears: bool = False


class RunningSuite(Protocol):
    """One run of a suite. `worker` is the engine, or the ear of a suite that hears."""

    async def run(self, worker: Any, tell: Tell) -> None:
        """To its end, or until its task is cancelled; raises `EngineFailed`."""

    def report(self, worker: Any, under: Circumstances) -> Report | None:
        """What it came to, whatever ended it; None where nothing was measured."""
