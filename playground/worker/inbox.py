"""Incoming commands, timestamped on arrival, read on a thread of their own."""

from __future__ import annotations

import queue
import sys
import threading
from time import perf_counter
from typing import BinaryIO

import msgspec

from playground.protocol.commands import CancelLoad, Shutdown
from playground.protocol.wire import AnyCommand, decode_command
from playground.worker.guard import end_process_group

GRACE_S = 1.0


class Inbox:
    """A queue of (received, command). At the end of input the process has `GRACE_S` seconds to finish before it is
    ended."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
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
                continue
            if isinstance(command, CancelLoad):
                self._cancels += 1
            self._queue.put((perf_counter(), command))
        self._cancels += 1
        self._queue.put((perf_counter(), Shutdown()))
        threading.Event().wait(GRACE_S)
        end_process_group()
