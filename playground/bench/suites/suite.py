"""What a suite is to a screen: its name and sizes, and one run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from playground.bench.report import Conditions, Report


class Row(NamedTuple):
    """One result: what, its verdict (a word), how long it took, what there is to say."""

    name: str
    verdict: str
    seconds: float | None
    detail: str


class SuiteProgress(NamedTuple):
    """How far a suite is: `done` of `total` of its own steps, the figure so far in words, and a new row if there is."""

    done: int
    total: int
    eta_s: float | None
    figure: str = ""
    row: Row | None = None


OnProgress = Callable[[SuiteProgress], None]


class Suite(NamedTuple):
    """`sizes` are those to choose from, the first one quick; `unit` names what a size counts. `measure`: its figure of
    quality in the history, if it has one. `speech`: it runs on the speech worker instead of an engine."""

    title: str
    unit: str
    sizes: Sequence[int]
    measure: str = ""
    speech: bool = False


class RunningSuite(Protocol):
    """One run of a suite. `worker` is a `WorkerEngine`, or a `SpeechEngine` for a suite of speech."""

    async def run(self, worker: Any, on_progress: OnProgress) -> None:
        """To its end, or until its task is cancelled; raises `EngineFailed`."""

    def report(self, worker: Any, conditions: Conditions) -> Report | None:
        """What it came to, whatever ended it; None where nothing was measured."""
