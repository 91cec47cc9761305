"""The loop of the speech worker: take commands, serve the microphone and the transcripts."""

from __future__ import annotations

from functools import partial
from time import perf_counter

from playground.protocol.commands import Shutdown
from playground.speech.backend import SpeechBackend
from playground.worker.faults import guarded
from playground.worker.inbox import Inbox
from playground.worker.outbox import Outbox


class SpeechLoop:
    """Runs until `Shutdown` or the end of input. Nothing here waits for a model: that is done on a thread."""

    def __init__(self, backend: SpeechBackend, inbox: Inbox, outbox: Outbox) -> None:
        self._backend, self._inbox, self._outbox = backend, inbox, outbox

    def run(self) -> None:
        """Handle commands and step the backend; every fault is an event."""
        while True:
            due = self._backend.next_due
            item = self._inbox.take(None if due is None else max(0.0, due - perf_counter()))
            if item is None:
                doing = self._backend.doing
                if fault := guarded(self._outbox.emit, doing, self._backend.step):
                    guarded(self._outbox.emit, doing, partial(self._backend.fail, fault))
                continue
            received, command = item
            if isinstance(command, Shutdown):
                self._backend.close()
                return
            guarded(self._outbox.emit, type(command).__name__, partial(self._backend.handle, received, command))
