"""Commands as they come in, stamped when they come, read on a thread of their own."""

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
    """A queue of (received, command). End of input means: finish within `GRACE_S` or be ended."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._queue: queue.SimpleQueue[tuple[float, AnyCommand] | None] = queue.SimpleQueue()
        self._cancels = self._answered = 0
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def take(self, timeout: float | None) -> tuple[float, AnyCommand] | None:
        """The next command; waits up to `timeout` seconds, for ever if None. None: it is over, or `wake` was called."""
        try:
            return self._queue.get(block=timeout != 0, timeout=timeout or None)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """From any thread: whoever waits for a command has something else to look at."""
        self._queue.put(None)

    @property
    def cancelling(self) -> bool:
        """A `CancelLoad` has come in whose turn in the queue is still to come; so it means what is being done now."""
        return self._cancels > self._answered

    def answer_cancel(self) -> None:
        """The turn of a `CancelLoad` has come."""
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
