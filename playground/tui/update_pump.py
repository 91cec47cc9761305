"""Tells the screens that the state changed, no more often than a screen is worth redrawing."""

from __future__ import annotations

import asyncio
from time import perf_counter

from textual.message_pump import MessagePump

from playground.tui.messages import Updated
from playground.tui.state.state import State

UPDATES_PER_SECOND = 10


class UpdatePump:
    """Attached screens get `Updated` at most `UPDATES_PER_SECOND` times a second."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._targets: list[MessagePump] = []
        self._due: asyncio.TimerHandle | None = None
        self._flushed = 0.0

    def attach(self, target: MessagePump) -> None:
        """Send this screen what happens from now on; what happened before, it reads from the state."""
        self._targets.append(target)

    def schedule(self) -> None:
        """The state changed: an `Updated` is due."""
        if self._due is None and self._targets:
            wait = max(0.005, self._flushed + 1 / UPDATES_PER_SECOND - perf_counter())
            self._due = asyncio.get_running_loop().call_later(wait, self._flush)

    def cancel(self) -> None:
        """What is due comes with the next update."""
        if self._due:
            self._due.cancel()
        self._due = None

    def stop(self) -> None:
        """Send nothing more."""
        self.cancel()
        self._targets.clear()

    def _flush(self) -> None:
        self._due, self._flushed = None, perf_counter()
        updated = Updated(self._state, self._state.take_changes())
        for target in self._targets:
            target.post_message(updated)
