"""Hands the session's commands and events to a recorder, if there is one."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from playground.protocol.events import ModelLoaded, OptionsApplied, WorkerReady
from playground.protocol.wire import AnyEvent
from playground.session.recording import Message
from playground.tui.state.state import State

if TYPE_CHECKING:
    from playground.session.recorder import Recorder


class RecordingTap:
    """A recording may begin late: it then starts with the last reports of the worker, its model and its toggles, since
    a replay cannot do without them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._recorder: Recorder | None = None
        self._reports: dict[type, AnyEvent] = {}

    @property
    def reports(self) -> list[AnyEvent]:
        """The last reports of the worker, its model and its toggles."""
        return list(self._reports.values())

    @property
    def error(self) -> str:
        """Why the recording ended early; empty if it did not."""
        return self._recorder.error if self._recorder else ""

    def remember(self, event: AnyEvent) -> None:
        """Keep the event if it is such a report."""
        match event:
            case WorkerReady(role="engine"):
                self._reports = {WorkerReady: event}
            case ModelLoaded() | OptionsApplied():
                self._reports[type(event)] = event

    def begin(self, recorder: Recorder) -> None:
        """Record from now on."""
        self._recorder, self._state.recording = recorder, str(recorder.path)
        for event in self.reports:
            clock = self._state.clock.engine_time(perf_counter())
            if isinstance(event, WorkerReady) and clock is not None:
                event = msgspec.structs.replace(event, clock=clock)
            self.add(event)

    def add(self, message: Message) -> None:
        """Record a message that passes now."""
        if self._recorder:
            self._recorder.add(message)

    def end(self) -> Recorder | None:
        """Record no more; returns the recorder, for the caller to close."""
        recorder, self._recorder, self._state.recording = self._recorder, None, ""
        return recorder
