"""The way to the worker and back: sends commands, folds and records what passes, and tells the screens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from textual.message_pump import MessagePump

from playground.client import WorkerClient, cannot_start, drop_empty_log
from playground.protocol.commands import CancelLoad, Command, LoadModel
from playground.protocol.events import Failed, LoadCancelled, ModelLoaded
from playground.protocol.machine import MachineSampled
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.history.collector import Collector
from playground.session.recording import Entry, Message
from playground.telemetry.disturbance import Disturbance
from playground.telemetry.sampler import Sampler
from playground.tui.recording_tap import RecordingTap
from playground.tui.replay_feed import ReplayFeed
from playground.tui.state.state import State
from playground.tui.update_pump import UpdatePump

if TYPE_CHECKING:
    from playground.session.recorder import Recorder

CANCEL_PATIENCE_S = 1.5
INTERPRETER = "[engines.vllm] python in config.toml names it; "


class Bridge:
    """Attached screens get `Updated`; `send` is the way back. With `replay` there is no worker."""

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
        self._engine, self._collector = engine, collector
        self._client = WorkerClient("engine", engine, log, self.add_event)
        self._sampler = Sampler(self._sampled)
        self._tap, self._updates = RecordingTap(self.state), UpdatePump(self.state)
        self.replay = None if replay is None else ReplayFeed(replay, speed, self.state, self._updates)
        self._listeners: list[Callable[[AnyEvent], None]] = []
        self._queued: list[AnyCommand] | None = []  # what was asked for before there was a worker
        self._following: LoadModel | None = None  # asked for during a load, which is stopped first
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Task[None] | None = None
        if recorder:
            self.record(recorder)

    def attach(self, target: MessagePump) -> None:
        """Tell this screen what happens from now on; what happened before, it reads from the state."""
        self._updates.attach(target)
        self.refresh()

    async def start(self) -> None:
        """Start the worker, or the replay."""
        self._loop = asyncio.get_running_loop()
        if self._tap.error:
            self.end_recording()
        if self.replay:
            self.replay.start()
            return
        self._sampler.start()
        await self._start_worker()
        queued, self._queued = self._queued, None
        for command in queued or ():
            self._client.send(command)

    async def stop(self) -> None:
        """End the worker and the recording."""
        if self.replay:
            self.replay.stop()
        self._sampler.stop()
        self._updates.stop()
        await self._client.stop()
        drop_empty_log(self.log)
        self.end_recording()
        if self._closing:
            await self._closing

    def send(self, command: AnyCommand) -> None:
        """Fold and record a command, then send it."""
        self.add_command(command)
        if self._queued is None:
            self._client.send(command)
        else:
            self._queued.append(command)

    def add_command(self, command: AnyCommand) -> None:
        """Fold and record a command that is sent now, to the engine or to another worker."""
        if self._collector:
            self._collector.add(command)
        self.mirror(command)

    def add_event(self, event: AnyEvent) -> None:
        """Fold and record an event of the engine or of another worker."""
        self._tap.add(event)
        if self._collector:
            self._collector.add(event)
        self._fold(event)
        for listener in list(self._listeners):
            listener(event)
        self._after_load(event)

    def mirror(self, message: Message) -> None:
        """Fold and record a message that is not for the history: of a load on a second engine, whose run is not this
        session's, or of this machine."""
        self._tap.add(message)
        self.state.add(message, perf_counter())
        self._updates.schedule()

    async def load(self, command: LoadModel) -> None:
        """Load a model, in a new worker if the old one is dead; a load in progress is stopped first."""
        if self.state.model.loading:
            await self.cancel_load(command)
        elif self._client.running or await self._start_worker():
            self.send(command)

    async def cancel_load(self, following: LoadModel | None = None) -> None:
        """Cancel a load; `following` or else the model before it is loaded then. A worker that does not answer within
        `CANCEL_PATIENCE_S` is replaced."""
        loading = self.state.model.loading
        self._following, self.state.model.superseded = following, following is not None
        self.send(CancelLoad())
        await asyncio.sleep(CANCEL_PATIENCE_S)
        if loading is not None and self.state.model.loading is loading:
            former = self._client.give_up_load()
            following = self._take_following() or former
            self.add_event(LoadCancelled(model=loading.model))
            if await self._start_worker() and following and not self.state.model.loading:
                self.send(following)

    async def restart(self) -> None:
        """Start a new worker with the same model and options."""
        if await self._start_worker() and self._client.last_load:
            self.send(self._client.last_load)

    def listen(self, listener: Callable[[AnyEvent], None]) -> None:
        """Call it for every event from now on, first for the last reports of the worker, its model and its toggles."""
        for event in self._tap.reports:
            listener(event)
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[AnyEvent], None]) -> None:
        """Stop calling it."""
        self._listeners.remove(listener)

    def refresh(self) -> None:
        """The state changed by no event: let the screens look."""
        self.state.touch()
        self._updates.schedule()

    def report_fault(self, fault: Failed) -> None:
        """Show a fault of this process as those of the worker are shown."""
        self._fold(fault)

    def report_fault_from_thread(self, fault: Failed) -> None:
        """Report a fault from another thread."""
        self._from_thread(self.report_fault, fault)

    def record(self, recorder: Recorder) -> None:
        """Record from now on."""
        recorder.on_error = partial(self._from_thread, self.end_recording)
        self._tap.begin(recorder)
        self.refresh()

    def end_recording(self) -> None:
        """End the recording, if there is one; a thread closes its file."""
        if recorder := self._tap.end():
            self._closing = asyncio.create_task(self._close(recorder))
        self.refresh()

    async def _close(self, recorder: Recorder) -> None:
        await asyncio.to_thread(recorder.close)
        if recorder.error:
            advice = "free some room or take another disk, and record again"
            self.report_fault(Failed(where="record", message=recorder.error, advice=advice))

    def _after_load(self, event: AnyEvent) -> None:
        """Load what was asked for during the load, or bring back the model that a load without a result replaced."""
        match event:
            case ModelLoaded() | Failed(where="LoadModel", kept=True):
                load = self._take_following()
            case LoadCancelled() | Failed(where="LoadModel"):
                load = self._take_following() or self._client.give_up_load()
            case _:
                return
        if load:
            self.send(load)

    def _take_following(self) -> LoadModel | None:
        following, self._following = self._following, None
        return following

    async def _start_worker(self) -> bool:
        """Start a new worker; if that fails, report why and return False."""
        try:
            await self._client.restart(load=False)
        except OSError as error:
            advice = f"{INTERPRETER if self._engine == 'vllm' else ''}^Y tries it again"
            self.report_fault(Failed(where="LoadModel", message=cannot_start(error), advice=advice))
            return False
        return True

    def _from_thread(self, action: Callable[..., None], *args: object) -> None:
        """Call it on the loop; not at all once the app has ended."""
        if self._loop:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(action, *args)

    def _fold(self, message: Message) -> None:
        if not isinstance(message, Command):
            self._tap.remember(message)
        self.state.add(message, perf_counter())
        self._sampler.worker_pid = self.state.model.pid
        self._updates.schedule()

    def _sampled(self, machine: MachineSampled) -> None:
        """Called in the sampler's thread."""
        if self._collector and (facts := self.state.facts):
            seen = Disturbance(facts.device, facts.device_uuid)
            seen.add(machine)
            self._collector.add_disturbance(bool(seen.throttled), seen.other_processes or 0)
        self._from_thread(self.mirror, machine)
