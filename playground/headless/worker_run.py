"""One run of a worker without a screen: load, submit, wait until everything ended, stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playground.bench.engine_client import EngineClient, EngineFailed
from playground.client import WorkerClient
from playground.headless.interrupts import on_interrupt
from playground.protocol.commands import Abort, GenerationRequest, LoadModel, SetOptions, Submit
from playground.session.recording import Entry

STOP_GRACE_S = 10.0
FATAL = ("LoadModel", "Submit")


@dataclass(frozen=True)
class Job:
    """An engine, a load, switches and requests."""

    engine: str
    load: LoadModel
    switches: Sequence[SetOptions]
    requests: Sequence[GenerationRequest]


class WorkerRun:
    """Runs one job. Every command and event goes through `fold` and then to `watch`, on the loop's own task."""

    def __init__(self, job: Job, log: Path, watch: Callable[[Entry], None]) -> None:
        self._job = job
        self._client = WorkerClient("engine", job.engine, log, lambda event: self._engine.arrived(event))
        self._engine = EngineClient(self._client.send, watch)
        self.fold = self._engine.fold
        self._submitted = False
        self.interrupted = ""  # by what

    async def run(self) -> None:
        """Do the job; faults are in the fold afterwards."""
        on_interrupt(self._interrupt)
        await self._client.start()
        try:
            if self.interrupted:  # while the worker started, before there was anything to kill
                return
            self._engine.send(self._job.load)
            if await self._until(lambda: self.fold.ready):
                self._submit()
                await self._until(lambda: self.fold.ended)
        finally:
            await self._client.stop(STOP_GRACE_S if self._submitted and not self.fold.exited else 0)
        self._engine.drain()

    def _submit(self) -> None:
        for switch in self._job.switches:
            self._engine.send(switch)
        self._submitted = True
        self._engine.send(Submit(requests=list(self._job.requests)))

    async def _until(self, done: Callable[[], bool]) -> bool:
        while not done() and not self._lost:
            with suppress(EngineFailed):  # the fold has it; a refused switch does not end the run
                await self._engine.until(done)
        return not self._lost

    @property
    def _lost(self) -> bool:
        """Whether nothing more will come."""
        return self.fold.exited is not None or any(failed.where in FATAL for failed in self.fold.failures)

    def _interrupt(self, name: str) -> None:
        """Abort the requests, which still end with their numbers; without requests, or the second time, kill the
        worker."""
        if self._submitted and not self.interrupted:
            self._engine.send(Abort())
        else:
            self._client.kill()
        self.interrupted = name
