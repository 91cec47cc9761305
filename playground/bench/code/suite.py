"""One run of the code suite: the first answers of a batch are judged while the others are generated."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter

import msgspec

from playground.bench.code.items import Item, Sample, Totals, best, by_stratum, count, estimate
from playground.bench.code.judge import Judge
from playground.bench.code.notes import missing_notes, partial_notes, reference_notes
from playground.bench.code.programs import answered
from playground.bench.code.request import sampled_request
from playground.bench.code.settings import Settings
from playground.bench.code.task import Task
from playground.bench.engine import WorkerEngine
from playground.bench.sandbox.sandbox import Sandbox
from playground.session.fold import Generated

WORKERS = max(1, min(4, (os.cpu_count() or 2) // 2))


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is. Counts are of samples; `eta_s` is None until something is judged."""

    generated: int
    judged: int
    samples: int
    totals: Totals
    eta_s: float | None
    newest: Item | None = None


class CodeSuite:
    """One run over tasks: `await run(engine)` once, or cancel it to end early. However it ends, `items` and `totals()`
    hold what was judged, and `notes` say what is missing.

    Answers come from the engine, or from `programs` (by task, whole programs). `watch` is called on the loop after
    every answer and every verdict.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        settings: Settings,
        sandbox: Sandbox,
        programs: dict[str, list[str]] | None = None,
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.items: list[Item] = []
        self.notes: list[str] = []
        self._missing: dict[str, list[str]] = {}
        self._tasks, self._settings, self._watch = tasks, settings, watch
        self._programs = programs
        self._engine: WorkerEngine | None = None
        self._judge = Judge(sandbox)
        self._kind = sandbox.confinement.kind
        self._samples: dict[str, list[Sample]] = {task.task_id: [] for task in tasks}
        self._generated = 0
        self._work: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(WORKERS)
        self._began = 0.0

    async def run(self, engine: WorkerEngine | None) -> None:
        """Answer and judge every task; raises `EngineFailed`. With programs no engine is needed."""
        self._engine, self._began = engine, perf_counter()
        ready = [task for task in self._tasks if not self._skip(task)]
        try:
            async for task, sample in self._answers(ready):
                self._generated += 1
                work = asyncio.create_task(self._judge_sample(task, sample))
                self._work.add(work)
                self._report_progress()
            await asyncio.gather(*self._work)
        except BaseException:
            for work in self._work:
                work.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)
            raise
        finally:
            self._finish()

    @property
    def failed(self) -> bool:
        """Whether the engine left an answer out."""
        return bool(self._missing)

    def totals(self) -> Totals:
        """The totals so far."""
        counted = count(self.items)
        found = {k: estimate(self.items, k) for k in self._settings.k}
        known = {str(k): estimated for k, estimated in found.items() if estimated}
        return Totals(
            tasks=len(self.items),
            **counted,
            pass_at_k={k: estimated.share for k, estimated in known.items()},
            intervals={k: estimated.interval for k, estimated in known.items()},
            tasks_at_k={k: estimated.tasks for k, estimated in known.items()},
            n=self._settings.samples,
            k=list(self._settings.k),
            prompting=self._settings.prompting,
            solutions=self._settings.solutions,
            sandbox=self._kind,
            by_stratum=by_stratum(self.items),
            output_tokens=sum(sample.output_tokens for item in self.items for sample in item.samples),
            seconds=perf_counter() - self._began if self._began else None,
        )

    async def _answers(self, tasks: Sequence[Task]) -> AsyncIterator[tuple[Task, Sample]]:
        """Yield programs to judge, as they come."""
        if self._programs is not None:
            for task in tasks:
                for program in self._programs[task.task_id]:
                    yield task, Sample(status="failed", program=program)
            return
        assert self._engine
        task_of = {
            f"{index}.{sample}": task for sample in range(self._settings.samples) for index, task in enumerate(tasks)
        }
        requests = [
            sampled_request(name, task, int(name.partition(".")[2]), self._settings) for name, task in task_of.items()
        ]
        if requests:
            async for generated in self._engine.stream(requests):
                if (sample := self._sample(task_of[generated.request_id], generated)) is not None:
                    yield task_of[generated.request_id], sample

    def _sample(self, task: Task, generated: Generated) -> Sample | None:
        assert generated.finished
        if generated.finished.reason in ("abort", "error"):
            self._note_missing(task, generated.finished.message or "aborted")
            return None
        return Sample(
            status="failed",
            program=answered(task, generated.text, self._settings.prompting),
            output_tokens=generated.output_tokens,
            finish_reason=generated.finished.reason,
        )

    def _skip(self, task: Task) -> bool:
        """Whether a task cannot be done here; if so, adds its item."""
        reason = self._judge.why_not(task)
        if not reason and self._programs is not None and not self._programs.get(task.task_id):
            reason = "the file has no solution of it"
        if reason:
            self.items.append(Item(task_id=task.task_id, status="skipped", stratum=task.stratum, detail=reason))
        return bool(reason)

    async def _judge_sample(self, task: Task, sample: Sample) -> None:
        async with self._slots:
            outcome = await self._judge.judge(task, sample.program)
        samples = self._samples[task.task_id]
        samples.append(
            msgspec.structs.replace(sample, status=outcome.status, detail=outcome.detail, seconds=outcome.seconds)
        )
        whole = len(samples) == self._expected(task)
        if whole:
            self._add_item(task)
        self._report_progress(self.items[-1] if whole else None)

    def _expected(self, task: Task) -> int:
        return self._settings.samples if self._programs is None else len(self._programs[task.task_id])

    def _add_item(self, task: Task) -> None:
        samples, reference = self._samples[task.task_id], self._judge.references[task.task_id]
        speaks = best(samples)
        self.items.append(
            Item(
                task_id=task.task_id,
                status=speaks.status,
                stratum=task.stratum,
                detail=speaks.detail,
                samples=samples,
                limit_s=reference.limits.seconds,
                apart=reference.apart,
                reference=reference.verdict,
            )
        )

    def _finish(self) -> None:
        incomplete = [task for task in self._tasks if 0 < len(self._samples[task.task_id]) < self._expected(task)]
        for task in incomplete:
            self._add_item(task)
        order = {task.task_id: index for index, task in enumerate(self._tasks)}
        self.items.sort(key=lambda item: order[item.task_id])
        self.notes += reference_notes(self.items) + missing_notes(self._missing)
        self.notes += partial_notes(self.items, len(self._tasks), len(incomplete), self.totals())

    def _note_missing(self, task: Task, message: str) -> None:
        """Note a task that has no answer, and is not judged."""
        self._missing.setdefault(message, []).append(task.task_id)

    def _report_progress(self, newest: Item | None = None) -> None:
        samples = len(self._tasks) * self._settings.samples
        judged = sum(map(len, self._samples.values()))
        elapsed = perf_counter() - self._began
        eta = elapsed / judged * (samples - judged) if judged else None
        self._watch(
            Progress(
                generated=self._generated,
                judged=judged,
                samples=samples,
                totals=self.totals(),
                eta_s=eta,
                newest=newest,
            )
        )
