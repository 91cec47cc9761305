"""Incoming commands, timestamped on arrival, read on a thread of their own."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from time import perf_counter
from typing import BinaryIO

import msgspec

from playground.protocol.commands import CancelLoad, Shutdown
from playground.protocol.events import Event, Failed
from playground.protocol.fault import error_line
from playground.protocol.wire import AnyCommand, decode_command
from playground.worker.guard import end_process_group

GRACE_S = 1.0


class Inbox:
    """A queue of (received, command). A line that is no command is answered by `emit`, as its sender may be waiting. At
    the end of input the process has `GRACE_S` seconds to finish before it is ended."""

    def __init__(self, pipe: BinaryIO, emit: Callable[[Event], None]) -> None:
        self._pipe, self._emit = pipe, emit
        self._queue: queue.SimpleQueue[tuple[float, AnyCommand] | None] = queue.SimpleQueue()
        self._cancels = self._answered = 0
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def take(self, timeout: float | None) -> tuple[float, AnyCommand] | None:
        """The next command; waits up to `timeout` seconds, or without limit if None. Returns None after the timeout or
        `wake`."""
        try:
            return self._queue.get(block=timeout != 0, timeout=timeout or None)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """Make a waiting `take` return; may be called from any thread."""
        self._queue.put(None)

    @property
    def cancelling(self) -> bool:
        """Whether a `CancelLoad` is queued but not yet handled, so that it is meant for the work in progress."""
        return self._cancels > self._answered

    def answer_cancel(self) -> None:
        """Count one `CancelLoad` as handled."""
        self._answered += 1

    def _read(self) -> None:
        for line in self._pipe:
            try:
                command = decode_command(line)
            except msgspec.MsgspecError as error:
                print(f"not a command: {error}", file=sys.stderr)
                self._emit(Failed(where="worker", message=f"this is no command: {error_line(error)}"))
                continue
            if isinstance(command, CancelLoad):
                self._cancels += 1
            self._queue.put((perf_counter(), command))
        self._cancels += 1
        self._queue.put((perf_counter(), Shutdown()))
        threading.Event().wait(GRACE_S)
        end_process_group()
