"""The code suite on a screen: bundled tasks answered, run in the sandbox, counted."""

from __future__ import annotations

import asyncio

from playground.bench.code.files import BUNDLED, read_tasks
from playground.bench.code.report import code_report
from playground.bench.code.settings import Settings
from playground.bench.code.subset import subset
from playground.bench.code.suite import CodeSuite, Progress
from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import Conditions, Report
from playground.bench.sandbox.confinement import NoSandbox, find_confinement
from playground.bench.sandbox.sandbox import Sandbox
from playground.bench.suites.suite import OnProgress, Row, SuiteProgress

NO_SANDBOX = "nothing confines model-written code here; install bubblewrap, or allow user namespaces"


class RunningCode:
    """`size` is the number of tasks."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._suite: CodeSuite | None = None

    async def run(self, worker: WorkerEngine, on_progress: OnProgress) -> None:
        """See `RunningSuite`."""
        try:
            confinement = await asyncio.to_thread(find_confinement)
        except NoSandbox:
            raise EngineFailed(NO_SANDBOX) from None
        tasks = subset(read_tasks(BUNDLED), self._size, 0)
        self._suite = CodeSuite(tasks, Settings(), Sandbox(confinement), watch=lambda now: on_progress(_progress(now)))
        await self._suite.run(worker)
        if self._suite.notes and not self._suite.items:
            raise EngineFailed(self._suite.notes[0])

    def report(self, worker: WorkerEngine, conditions: Conditions) -> Report | None:
        """See `RunningSuite`."""
        if not self._suite or not self._suite.items:
            return None
        facts = worker.loaded.facts
        model = facts.name if worker.loaded.capabilities.engine == "openai" else facts.path  # there, path is an address
        return code_report(self._suite, worker.fold, model, conditions)


def _progress(now: Progress) -> SuiteProgress:
    share, interval = now.totals.pass_at_k.get("1"), now.totals.intervals.get("1")
    figure = ""
    if share is not None and interval:
        figure = f"pass@1 {100 * share:.0f} %  ({100 * interval[0]:.0f} to {100 * interval[1]:.0f} %)"
    item = now.newest
    row = None
    if item:
        seconds = sum(sample.seconds for sample in item.samples) if item.samples else None
        row = Row(item.task_id, item.status.replace("_", " "), seconds, item.detail)
    return SuiteProgress(now.judged, now.samples, now.eta_s, figure, row)
