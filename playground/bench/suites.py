"""The suites as a screen runs them: a size, rows as they come, a report in the end, and a way to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from playground.bench.code.files import BUNDLED, read_tasks
from playground.bench.code.report import code_report
from playground.bench.code.subset import subset
from playground.bench.code.suite import CodeSuite, Progress, Settings
from playground.bench.engine import Engine, EngineFailed
from playground.bench.report import Report
from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from playground.bench.sandbox.sandbox import Sandbox

NO_SANDBOX = "nothing confines model-written code here; install bubblewrap, or allow user namespaces"


class Row(NamedTuple):
    """One result: what, its verdict (a word), how long it took, what there is to say."""

    name: str
    verdict: str
    seconds: float | None
    detail: str


class Told(NamedTuple):
    """How far a suite is: `done` of `total` of its own units, the figure so far in words, and a new row if there is."""

    done: int
    total: int
    eta_s: float | None
    figure: str
    row: Row | None


class Disturbed(Protocol):
    """What disturbed the measurement, as far as this machine can tell."""

    throttled: tuple[str, ...] | None
    other_processes: int | None


class Suite(NamedTuple):
    """`sizes` are those to choose from, the first one quick. `unit` names what a size counts."""

    name: str
    title: str
    unit: str
    sizes: Sequence[int]


class RunningSuite(Protocol):
    """One run of a suite."""

    async def run(self, engine: Engine, tell: Callable[[Told], None]) -> None:
        """To its end, or until its task is cancelled; raises `EngineFailed`."""

    def report(self, engine: Engine, notes: Sequence[str], disturbed: Disturbed) -> Report | None:
        """What it came to, whatever ended it; None where nothing was measured."""


class RunningCode:
    """`size` of the bundled programming tasks, answered, run in the sandbox, counted."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._suite: CodeSuite | None = None

    async def run(self, engine: Engine, tell: Callable[[Told], None]) -> None:
        """See `RunningSuite`."""
        try:
            confinement = await asyncio.to_thread(find_confinement)
        except NoSandbox:
            raise EngineFailed(NO_SANDBOX) from None
        tasks = subset(read_tasks(BUNDLED), self._size, 0)
        self._suite = CodeSuite(tasks, Settings(), Sandbox(confinement), watch=lambda now: tell(_told(now)))
        await self._suite.run(engine)

    def report(self, engine: Engine, notes: Sequence[str], disturbed: Disturbed) -> Report | None:
        """See `RunningSuite`."""
        if not self._suite or not self._suite.items:
            return None
        model = engine.loaded.facts.path
        return code_report(self._suite, engine.fold, model, notes, disturbed.throttled, disturbed.other_processes)


SUITES = {"code": Suite("code", "Code, pass@1", "tasks", (8, 16, 40))}
RUNNING: dict[str, Callable[[int], RunningSuite]] = {"code": RunningCode}


def _told(now: Progress) -> Told:
    share, interval = now.totals.pass_at_k.get("1"), now.totals.intervals.get("1")
    figure = ""
    if share is not None and interval:
        figure = f"pass@1 {100 * share:.0f} %  ({100 * interval[0]:.0f} to {100 * interval[1]:.0f} %)"
    item = now.newest
    row = None
    if item:
        seconds = sum(sample.seconds for sample in item.samples) if item.samples else None
        row = Row(item.task_id, item.status.replace("_", " "), seconds, item.detail)
    return Told(now.judged, now.samples, now.eta_s, figure, row)
