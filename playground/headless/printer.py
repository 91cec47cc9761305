"""Two ways to print a run on stdout while it runs: for people and for programs."""

from __future__ import annotations

import sys

from playground.headless.load_line import LoadLine
from playground.headless.numbers_table import print_numbers
from playground.headless.report import say
from playground.headless.summary import summarize
from playground.headless.switch_lines import SwitchLines
from playground.protocol.events import RequestFinished, TokensGenerated
from playground.protocol.wire import encode_line
from playground.session.fold import Fold
from playground.session.recording import Entry
from playground.text.plain import printable


class JsonPrinter:
    """Prints each event as one line, as on the wire, and the summary last."""

    def print(self, entry: Entry) -> None:
        """Print an event."""
        if entry.event is not None:
            self._write(encode_line(entry.event))

    def end(self, fold: Fold) -> None:
        """Print the summary."""
        self._write(encode_line(summarize(fold)))

    def _write(self, line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


class TextPrinter:
    """Prints text as it comes; with several requests line by line, each with the id of its request."""

    def __init__(self, requests: int) -> None:
        self._labelled = requests > 1
        self._open_lines: dict[str, str] = {}
        self._at_line_start = True
        self._load_line, self._switches = LoadLine(), SwitchLines()

    def print(self, entry: Entry) -> None:
        """Print the text of an event."""
        event = entry.event
        self._load_line.show(event)
        self._switches.add(event)
        if isinstance(event, TokensGenerated):
            self._add(event.request_id, printable(event.text))
        elif isinstance(event, RequestFinished) and self._labelled:
            self._write_line(event.request_id, self._open_lines.pop(event.request_id, ""))

    def end(self, fold: Fold) -> None:
        """End the text, then print switches and numbers on stderr."""
        if not self._at_line_start:
            self._write("\n")
        for line in self._switches.lines:
            say(line)
        print_numbers(fold)

    def _add(self, request_id: str, text: str) -> None:
        if not self._labelled:
            self._write(text)
            return
        *complete, rest = (self._open_lines.get(request_id, "") + text).split("\n")
        for line in complete:
            self._write(f"{request_id} | {line}\n")
        self._open_lines[request_id] = rest

    def _write_line(self, request_id: str, line: str) -> None:
        if line:
            self._write(f"{request_id} | {line}\n")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")
