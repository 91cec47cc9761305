"""The interface between a suite and a screen: its name and sizes, and one run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from playground.bench.report import Conditions, Report


class Row(NamedTuple):
    """One result: its name, its verdict (a word), how long it took, and details."""

    name: str
    verdict: str
    seconds: float | None
    detail: str


class SuiteProgress(NamedTuple):
    """`done` of `total` steps of a suite, the figure so far as text, and a new row if there is one."""

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
        """Run to the end, or until the task is cancelled; raises `EngineFailed`."""

    def report(self, worker: Any, conditions: Conditions) -> Report | None:
        """The report, however the run ended; None if nothing was measured."""
