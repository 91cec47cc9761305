"""One run of a worker without a screen: load, submit, wait until everything ended, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from playground.client import WorkerClient
from playground.protocol.commands import Abort, Command, GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.fold import Fold
from playground.session.recording import Entry

STOP_GRACE_S = 10.0
FATAL = ("LoadModel", "Submit")


@dataclass(frozen=True)
class Job:
    """What is to be done."""

    engine: str
    load: LoadModel
    switches: Sequence[SetOptions]
    requests: Sequence[GenerationRequest]


class WorkerRun:
    """Runs one job. Every command and event goes through `fold` and then to `watch`, on the loop's own task."""

    def __init__(self, job: Job, log: Path, watch: Callable[[Entry], None]) -> None:
        self.fold = Fold()
        self.interrupted = False
        self._job, self._watch = job, watch
        self._events: asyncio.Queue[AnyEvent] = asyncio.Queue()
        self._client = WorkerClient("engine", job.engine, log, self._events.put_nowait)
        self._submitted = False

    async def run(self) -> None:
        """Do the job; whatever goes wrong stands in the fold afterwards."""
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)
        await self._client.start()
        try:
            if self.interrupted:  # while the worker started, when there was nothing yet to be killed
                return
            self._send(self._job.load)
            if await self._until(lambda: self.fold.ready):
                self._submit()
                await self._until(lambda: self.fold.ended)
        finally:
            await self._client.stop(STOP_GRACE_S if self._submitted and not self.fold.exited else 0)
        while not self._events.empty():
            self._take(self._events.get_nowait())

    def _submit(self) -> None:
        for switch in self._job.switches:
            self._send(switch)
        self._submitted = True
        self._send(Submit(requests=list(self._job.requests)))

    def _send(self, command: AnyCommand) -> None:
        self._take(command)
        self._client.send(command)

    def _take(self, message: AnyCommand | AnyEvent) -> None:
        now = perf_counter()
        entry = Entry(t=now, command=message) if isinstance(message, Command) else Entry(t=now, event=message)
        self.fold.add(entry)
        self._watch(entry)

    async def _until(self, done: Callable[[], bool]) -> bool:
        while not done() and not self._lost:
            self._take(await self._events.get())
        return not self._lost

    @property
    def _lost(self) -> bool:
        """Nothing more will come of this."""
        return self.fold.exited is not None or any(failed.where in FATAL for failed in self.fold.failures)

    def _interrupt(self) -> None:
        """Ctrl+C: the first aborts the requests, which still end with their numbers; what cannot is killed."""
        if self._submitted and not self.interrupted:
            self._send(Abort())
        else:
            self._client.kill()
        self.interrupted = True
