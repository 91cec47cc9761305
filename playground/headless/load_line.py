"""The progress of a load or conversion: one line on stderr, removed afterwards; nothing unless it is a terminal."""

from __future__ import annotations

import sys

from playground.protocol.events import ModelLoading
from playground.protocol.wire import AnyEvent
from playground.session.recording import Entry
from playground.text.numbers import percent

CLEAR = "\r\x1b[K"


class LoadLine:
    """The line, if stderr is a terminal."""

    def __init__(self) -> None:
        self._terminal, self._shown = sys.stderr.isatty(), False

    def show(self, event: AnyEvent | None) -> None:
        """Draw the line for a stage of a load; remove it at any other event."""
        if not self._terminal:
            return
        if isinstance(event, ModelLoading):
            share = f" {percent(event.done / event.total)}" if event.total else ""
            self._write(f"{CLEAR}loading: {event.stage}{share}")
        elif self._shown:
            self._write(CLEAR)
        self._shown = isinstance(event, ModelLoading)

    def watch(self, entry: Entry) -> None:
        """Show the event of an entry; see `show`."""
        self.show(entry.event)

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
