"""How far a load or conversion has come, as one line on stderr that is gone afterwards; nothing where no one looks."""

from __future__ import annotations

import sys

from playground.protocol.events import ModelLoading
from playground.protocol.wire import AnyEvent
from playground.session.recording import Entry
from playground.text.numbers import percent

CLEAR = "\r\x1b[K"


class LoadLine:
    """The line, where stderr is a terminal."""

    def __init__(self) -> None:
        self._terminal, self._shown = sys.stderr.isatty(), False

    def show(self, event: AnyEvent | None) -> None:
        """Draw the line for a stage of a load; take it away for anything else."""
        if not self._terminal:
            return
        if isinstance(event, ModelLoading):
            share = f" {percent(event.done / event.total)}" if event.total else ""
            self._write(f"{CLEAR}loading: {event.stage}{share}")
        elif self._shown:
            self._write(CLEAR)
        self._shown = isinstance(event, ModelLoading)

    def watch(self, entry: Entry) -> None:
        """Show the event of an entry that passes; see `show`."""
        self.show(entry.event)

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
