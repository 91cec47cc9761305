"""One worker as a benchmark uses it: start, load, switch, ask, wait, stop. Every message goes through one fold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TypeVar

from playground.client import WorkerClient
from playground.protocol.commands import Command, GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.events import Event, ModelLoaded, OptionsApplied, RequestFinished
from playground.protocol.options import Value
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.fold import Fold, Generated
from playground.session.recording import Entry

STOP_GRACE_S = 10.0
E = TypeVar("E", bound=Event)


class EngineFailed(Exception):
    """The engine could not do it: one line of what happened, one of what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.advice = message, advice


class Engine:
    """`async with Engine(...) as engine:` starts a worker and loads what is named; leaving ends it. Waits raise
    `EngineFailed` as soon as the worker dies or says that it failed. `watch` sees every command and event, in order."""

    def __init__(
        self, name: str, load: LoadModel | None, log: Path, watch: Callable[[Entry], None] = lambda entry: None
    ) -> None:
        self.fold = Fold()
        self._load, self._watch = load, watch
        self._events: asyncio.Queue[AnyEvent] = asyncio.Queue()
        self._client = WorkerClient("engine", name, log, self._events.put_nowait)

    async def __aenter__(self) -> Engine:
        await self._client.start()
        try:
            if self._load:
                await self.load(self._load)
        except BaseException:
            await self._client.stop(0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.stop(0 if error else STOP_GRACE_S)

    async def load(self, command: LoadModel) -> None:
        """Load a model and set its toggles."""
        self.send(command)
        await self.until(lambda: self.fold.ready)

    @property
    def loaded(self) -> ModelLoaded:
        """What is known of the model, and what can be done with it."""
        assert self.fold.loaded
        return self.fold.loaded

    async def apply(self, **changes: Value) -> OptionsApplied:
        """Change toggles; what the engine then really does."""
        return await self.ask(SetOptions(changes=changes), OptionsApplied)

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Generated]:
        """Submit requests and wait until all have ended; in their order."""
        self.send(Submit(requests=list(requests)))
        await self.until(lambda: self.fold.ended)
        return [self.fold.requests[request.request_id] for request in requests]

    async def stream(self, requests: Sequence[GenerationRequest]) -> AsyncIterator[Generated]:
        """Submit requests in one command and yield each as it ends, so that what follows runs beside the rest."""
        self.send(Submit(requests=list(requests)))
        waiting = {request.request_id for request in requests}
        while waiting:
            event = await self._next()
            if isinstance(event, RequestFinished) and event.request_id in waiting:
                waiting.remove(event.request_id)
                yield self.fold.requests[event.request_id]

    async def ask(self, command: AnyCommand, answer: type[E], matches: Callable[[E], bool] = lambda event: True) -> E:
        """Send a command and wait for the event that answers it."""
        self.send(command)
        while True:
            event = await self._next()
            if isinstance(event, answer) and matches(event):
                return event

    async def until(self, done: Callable[[], bool]) -> None:
        """Take events until `done`."""
        while not done():
            await self._next()

    def send(self, command: AnyCommand) -> None:
        """Send a command without waiting."""
        self._take(command)
        self._client.send(command)

    async def _next(self) -> AnyEvent:
        failures = len(self.fold.failures)
        event = await self._events.get()
        self._take(event)
        if self.fold.exited:
            raise EngineFailed(f"the engine process ended with code {self.fold.exited.code}")
        if len(self.fold.failures) > failures:
            failed = self.fold.failures[-1]
            raise EngineFailed(failed.message, failed.advice)
        return event

    def _take(self, message: AnyCommand | AnyEvent) -> None:
        now = perf_counter()
        entry = Entry(t=now, command=message) if isinstance(message, Command) else Entry(t=now, event=message)
        self.fold.add(entry)
        self._watch(entry)
