"""Judges programs of tasks. The reference answer runs first: it sets the time limit on this CPU and how tests can
run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib.util import find_spec

from playground.bench.code.programs import to_check
from playground.bench.code.task import Task
from playground.bench.sandbox.limits import SandboxLimits
from playground.bench.sandbox.sandbox import Outcome, Sandbox

LEAST_SECONDS, TIMES_REFERENCE = 4.0, 4.0
REFERENCE = SandboxLimits(seconds=60.0, cpu_seconds=60.0)


@dataclass(frozen=True)
class Reference:
    """The result of running the reference answer. `apart`: tests can run in a process of their own."""

    limits: SandboxLimits
    apart: bool
    verdict: str


class Judge:
    """Judges programs, and keeps the reference result of every task."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.references: dict[str, Reference] = {}
        self._sandbox = sandbox
        self._waiting: dict[str, asyncio.Lock] = {}

    def why_not(self, task: Task) -> str:
        """Why a task cannot be run here; empty if it can."""
        if task.javascript:
            return "" if self._sandbox.confinement.node else "needs node, which is not installed"
        missing = [name for name in task.libs if not _is_there(name)]
        return f"needs {', '.join(missing)}, not installed here" if missing else ""

    async def judge(self, task: Task, program: str) -> Outcome:
        """Run a program with its tests, within the limits that the reference answer has set."""
        async with self._waiting.setdefault(task.task_id, asyncio.Lock()):
            if task.task_id not in self.references:
                self.references[task.task_id] = await self._run_reference(task)
        reference = self.references[task.task_id]
        return await self._sandbox.run(to_check(task, program, not reference.apart), reference.limits)

    async def _run_reference(self, task: Task) -> Reference:
        """Run the reference answer with its tests apart if that works, since a program cannot reach them there, else in
        one interpreter."""
        outcome = await self._sandbox.run(to_check(task, task.canonical, shared=False), REFERENCE)
        apart = not (task.shared or task.javascript)
        if outcome.status != "passed" and apart:
            shared = await self._sandbox.run(to_check(task, task.canonical, shared=True), REFERENCE)
            if shared.status == "passed":
                outcome, apart = shared, False
        seconds = max(LEAST_SECONDS, TIMES_REFERENCE * outcome.seconds) if outcome.status == "passed" else LEAST_SECONDS
        verdict = outcome.status if outcome.status == "passed" else f"{outcome.status}: {outcome.detail}"
        return Reference(SandboxLimits(seconds=seconds, cpu_seconds=2 * seconds), apart, verdict)


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
