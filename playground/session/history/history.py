"""The history as the program uses it: nothing waits for the disk, and faults are one line."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from playground.session.history.run import Run

if TYPE_CHECKING:
    from playground.session.history.keeper import Keeper

T = TypeVar("T")
Job = Callable[["Keeper"], None]
CLOSE_S = 3.0


class History:
    """Writes and reads on its own thread, which starts with the first call.

    `on_fault` gets one line, from that thread, when runs cannot be kept; never the same line twice in a row.
    """

    def __init__(self, path: Path, on_fault: Callable[[str], None] = lambda line: None) -> None:
        self.path = path
        self.on_fault = on_fault
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, run: Run) -> None:
        """Keep a run, soon."""
        self._put(lambda keeper: keeper.add(run))

    def ask(self, question: Callable[[Any], T]) -> Future[T]:
        """Run a question on the `Database`; the future may fail with `HistoryFault`."""
        answer: Future[T] = Future()
        self._put(lambda keeper: keeper.answer(question, answer))
        return answer

    def close(self, seconds: float = CLOSE_S) -> bool:
        """Write the rest and end; returns False if that took too long."""
        if self._thread is None:
            return True
        self._jobs.put(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _put(self, job: Job) -> None:
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="history", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        from playground.session.history.keeper import Keeper  # imports SQLite, which the first frame does not need

        keeper = Keeper(self.path, self.on_fault)
        while (job := self._jobs.get()) is not None:
            job(keeper)
        keeper.close()
