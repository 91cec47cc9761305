"""A client of one engine: sends commands, folds events, and awaits answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter
from typing import TypeVar

from playground.protocol.commands import GenerationRequest, ResetPrefixCache, SetOptions, Submit
from playground.protocol.events import Event, ModelLoaded, OptionsApplied, RequestFinished
from playground.protocol.fault import Fault
from playground.protocol.options import EngineOptions, Value, changed_names
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.fold import Fold, Generated
from playground.session.recording import Entry

E = TypeVar("E", bound=Event)


class EngineFailed(Fault):
    """The engine failed or died: one line of what happened, one of what to do."""


class EngineClient:
    """A client of one engine: commands go out by `send`, and its owner gives events to `arrived`. Waits raise
    `EngineFailed` as soon as the engine dies or reports a failure. `watch` sees every command and event, in order."""

    def __init__(self, send: Callable[[AnyCommand], None], watch: Callable[[Entry], None] = lambda entry: None) -> None:
        self.fold = Fold()
        self._send, self.watch = send, watch
        self._events: asyncio.Queue[AnyEvent] = asyncio.Queue()

    @property
    def loaded(self) -> ModelLoaded:
        """The loaded model and what the engine can do with it."""
        assert self.fold.loaded
        return self.fold.loaded

    async def apply(self, **changes: Value) -> OptionsApplied:
        """Change toggles; returns what is effective."""
        return await self.ask(SetOptions(changes=changes), OptionsApplied)

    async def switch(self, options: EngineOptions) -> None:
        """Set the toggles that differ from the current ones."""
        if changes := {name: getattr(options, name) for name in changed_names(self.fold.options, options)}:
            await self.apply(**changes)

    def reset_prefix_cache(self) -> None:
        """Let the next request start cold; where an engine refuses that, the fold notes it for the trust flags."""
        if self.loaded.capabilities.empties_prefix_cache:
            self.send(ResetPrefixCache())
        else:
            self.fold.prefix_kept = True

    async def generate(self, requests: Sequence[GenerationRequest]) -> list[Generated]:
        """Submit requests and wait until all have ended; returns them in their order."""
        self.send(Submit(requests=list(requests)))
        await self.until(lambda: self.fold.ended)
        return [self.fold.requests[request.request_id] for request in requests]

    async def stream(self, requests: Sequence[GenerationRequest]) -> AsyncIterator[Generated]:
        """Submit requests in one command and yield each as it ends, so that the caller works while others run."""
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
        """Take events until `done` returns True."""
        while not done():
            await self._next()

    def drain(self) -> None:
        """Fold the events that are waiting, failures included."""
        while not self._events.empty():
            self._take(self._events.get_nowait())

    def send(self, command: AnyCommand) -> None:
        """Send a command without waiting."""
        self._take(command)
        self._send(command)

    def arrived(self, event: AnyEvent) -> None:
        """Take an event of the engine."""
        self._events.put_nowait(event)

    async def _next(self) -> AnyEvent:
        failures = len(self.fold.failures)
        self._require_running()  # a dead engine sends nothing more
        event = await self._events.get()
        self._take(event)
        self._require_running()
        if len(self.fold.failures) > failures:
            failed = self.fold.failures[-1]
            raise EngineFailed(failed.message, failed.advice)
        return event

    def _require_running(self) -> None:
        if self.fold.exited:
            raise EngineFailed(f"the engine process ended with code {self.fold.exited.code}")

    def _take(self, message: AnyCommand | AnyEvent) -> None:
        entry = Entry.of(perf_counter(), message)
        self.fold.add(entry)
        self.watch(entry)
