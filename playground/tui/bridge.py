"""The only place where protocol events become messages: owns the worker or the replay, folds, records, coalesces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
from textual.message_pump import MessagePump

from playground.client import WorkerClient, cannot_start
from playground.protocol.commands import CancelLoad, Command, LoadModel
from playground.protocol.events import Failed, LoadCancelled, ModelLoaded, OptionsApplied, WorkerReady
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.history.collector import Collector
from playground.session.recording import Entry, Message, RecordingError
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.telemetry.snapshot import Snapshot
from playground.tui.messages import MachineSampled, Updated
from playground.tui.state.state import State

if TYPE_CHECKING:
    from playground.session.recorder import Recorder

UPDATES_PER_SECOND = 10
CANCEL_PATIENCE_S = 1.5
INTERPRETER = "[engines.vllm] python in config.toml names it; "


class Bridge:
    """Screens attach and get `Updated` at most `UPDATES_PER_SECOND` times; `send` is the way back."""

    def __init__(
        self,
        engine: str,
        log: Path,
        *,
        recorder: Recorder | None = None,
        collector: Collector | None = None,
        replay: Iterable[Entry] | None = None,
        speed: float = 1.0,
    ) -> None:
        self.state = State()
        self.log = log
        self.state.replaying = replay is not None
        self._engine, self._replay, self._speed = engine, replay, speed
        self._client = WorkerClient("engine", engine, log, self.arrived)
        self._sampler = Sampler(self._sampled)
        self._targets: list[MessagePump] = []
        self._listeners: list[Callable[[AnyEvent], None]] = []
        self._standing: dict[type, AnyEvent] = {}
        self._early: list[AnyCommand] | None = []  # what was asked for before there was a worker
        self._now = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._flushed = 0.0
        self._collector = collector
        self._loop: asyncio.AbstractEventLoop | None = None
        self._recorder: Recorder | None = None
        self._closing: asyncio.Task[None] | None = None
        if recorder:
            self.record(recorder)

    def attach(self, target: MessagePump) -> None:
        """From now on this screen hears what happens; what happened before it reads from the state."""
        self._targets.append(target)
        self.refresh()

    async def start(self) -> None:
        """Start the worker, or play the recording to its end."""
        self._loop = asyncio.get_running_loop()
        if self._recorder and self._recorder.error:
            self.end_recording()
        if self._replay is not None:
            await self._play(self._replay)
            return
        self._sampler.start()
        await self._renew()
        early, self._early = self._early, None
        for command in early or ():
            self._client.send(command)

    async def stop(self) -> None:
        """End the worker and the recording."""
        self._sampler.stop()
        if self._due:
            self._due.cancel()
        self._targets.clear()
        await self._client.stop()
        self.end_recording()
        if self._closing:
            await self._closing

    def send(self, command: AnyCommand) -> None:
        """Send a command; the state hears of it first."""
        self.note(command)
        if self._early is None:
            self._client.send(command)
        else:
            self._early.append(command)

    def note(self, command: AnyCommand) -> None:
        """Fold and record a command that is sent now, by whomever."""
        if self._collector:
            self._collector.add(command)
        self.witness(command)

    def arrived(self, event: AnyEvent) -> None:
        """Fold and record an event that a worker told, the engine's or another."""
        if self._recorder:
            self._recorder.add(event)
        if self._collector:
            self._collector.add(event)
        self._take(event)
        for listener in list(self._listeners):
            listener(event)
        lost = isinstance(event, Failed) and event.where == "LoadModel" and not event.kept
        if (lost or isinstance(event, LoadCancelled)) and (former := self._client.give_up_load()):
            self.send(former)

    def witness(self, message: AnyCommand | AnyEvent) -> None:
        """Fold and record what passes between a load and another engine than the session's. Its run is not this one's
        for the history."""
        if isinstance(message, Command):
            if self._recorder:
                self._recorder.add(message)
            self.state.add_command(message, perf_counter())
        else:
            if self._recorder:
                self._recorder.add(message)
            self.state.add_event(message, perf_counter())
        self._schedule()

    async def load(self, command: LoadModel) -> None:
        """Load, in a new worker where the old one is dead."""
        if self._client.running or await self._renew():
            self.send(command)

    async def cancel_load(self) -> None:
        """Stop a load, and the model before it comes back; a worker that does not answer soon is replaced."""
        loading = self.state.loading
        self.send(CancelLoad())
        await asyncio.sleep(CANCEL_PATIENCE_S)
        if loading is not None and self.state.loading is loading:
            former = self._client.give_up_load()
            self.arrived(LoadCancelled(model=loading.model))
            if await self._renew() and former and not self.state.loading:
                self.send(former)

    async def restart(self) -> None:
        """A new worker with the same model and options."""
        if await self._renew() and self._client.last_load:
            self.send(self._client.last_load)

    def listen(self, listener: Callable[[AnyEvent], None]) -> None:
        """Every event from now on, after what stands: the worker, its model, its toggles."""
        for event in self._standing.values():
            listener(event)
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[AnyEvent], None]) -> None:
        """No more events for it."""
        self._listeners.remove(listener)

    def refresh(self) -> None:
        """The state changed by no event: let the screens look."""
        self.state.touch()
        self._schedule()

    def tell(self, fault: Failed) -> None:
        """A fault of this process, told like those of the worker."""
        self._take(fault)

    def tell_from_thread(self, fault: Failed) -> None:
        """Tell a fault from another thread; see `tell`."""
        self._from_thread(self.tell, fault)

    def record(self, recorder: Recorder) -> None:
        """Record from now on; what a replay must know of the time before comes first."""
        self._recorder, self.state.recording = recorder, str(recorder.path)
        recorder.on_error = partial(self._from_thread, self.end_recording)
        for event in self._standing.values():
            clock = self.state.clock.engine_time(perf_counter())
            if isinstance(event, WorkerReady) and clock is not None:
                event = msgspec.structs.replace(event, clock=clock)
            recorder.add(event)
        self.refresh()

    def end_recording(self) -> None:
        """End the recording, if there is one; a thread closes its file."""
        recorder, self._recorder, self.state.recording = self._recorder, None, ""
        if recorder:
            self._closing = asyncio.create_task(self._close(recorder))
        self.refresh()

    async def _close(self, recorder: Recorder) -> None:
        await asyncio.to_thread(recorder.close)
        if recorder.error:
            advice = "free some room or take another disk, and record again"
            self.tell(Failed(where="record", message=recorder.error, advice=advice))

    async def _renew(self) -> bool:
        """A new worker, or the line that says why there is none."""
        try:
            await self._client.restart(load=False)
        except OSError as error:
            advice = f"{INTERPRETER if self._engine == 'vllm' else ''}^Y tries it again"
            self.tell(Failed(where="LoadModel", message=cannot_start(error), advice=advice))
            return False
        return True

    def _from_thread(self, deed: Callable[..., None], *given: object) -> None:
        """Do it on the loop; once the app has ended there is nobody to tell."""
        if self._loop:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(deed, *given)

    def _take(self, event: AnyEvent) -> None:
        match event:
            case WorkerReady(role="engine"):
                self._standing = {WorkerReady: event}
            case ModelLoaded() | OptionsApplied():
                self._standing[type(event)] = event
        self.state.add_event(event, self._now if self.state.replaying else perf_counter())
        self._sampler.worker_pid = self.state.pid
        self._schedule()

    async def _play(self, entries: Iterable[Entry]) -> None:
        from playground.session.replay import play

        try:
            await play(self._timed(entries), self._speed, self._replayed)
        except RecordingError as error:
            self.tell(Failed(where="replay", message=str(error)))

    def _timed(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Times of a replay are those of the recording, so that it folds as it did."""
        for entry in entries:
            self._now = entry.t
            yield entry

    def _replayed(self, message: Message) -> None:
        if isinstance(message, Command):
            self.state.add_command(message, self._now)
            self._schedule()
        else:
            self._take(message)

    def _schedule(self) -> None:
        if self._due is None and self._targets:
            wait = max(0.005, self._flushed + 1 / UPDATES_PER_SECOND - perf_counter())
            self._due = asyncio.get_running_loop().call_later(wait, self._flush)

    def _flush(self) -> None:
        self._due, self._flushed = None, perf_counter()
        changes = self.state.take_changes()
        for target in self._targets:
            target.post_message(Updated(self.state, changes))

    def _sampled(self, snapshot: Snapshot) -> None:
        """In the sampler's thread: `post_message` is what may be called from there."""
        if self._collector and (facts := self.state.facts):
            seen = Disturbance(facts.device, facts.device_uuid)
            seen.add(snapshot)
            self._collector.add_disturbance(bool(seen.throttled), seen.other_processes or 0)
        for target in self._targets:
            target.post_message(MachineSampled(snapshot))
