"""Writes a session to a file while it runs. Knows no screens and no engines."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from playground import __version__
from playground.protocol.wire import encode_line
from playground.session.recording import FORMAT, VERSION, Entry, Header, Message, RecordingError

FLUSH_SECONDS = 0.2  # of messages, at most, that a kill loses
CLOSE_S = 3.0  # that a disk may take for the rest


class Recorder:
    """Records commands and events as they pass; a thread writes them every `FLUSH_SECONDS`.

    `clock` gives monotonic seconds. `error` is one line why the recording ended before the session (a full disk, say);
    `on_error` is called in the thread when that happens, and later messages are dropped. Raises `RecordingError` if the
    file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        model: str = "",
        engine: str = "",
        versions: dict[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.error = ""
        self.on_error: Callable[[], None] = lambda: None
        self._clock = clock
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._closing = threading.Event()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise RecordingError(f"cannot record to {path}: {error.strerror or error}") from None
        self._start = clock()
        self._append(_header(model, engine, versions or {}))
        self._thread = threading.Thread(target=self._flush_until_closed, name="recorder", daemon=True)
        self._thread.start()

    def add(self, message: Message) -> None:
        """Record a command or event that passes now."""
        self._append(Entry.of(self._now(), message))

    def close(self) -> None:
        """Write the rest and close the file; may be called more than once. A disk that does not answer is an
        `error`."""
        self._closing.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive() and not self.error:
            self.error = f"the recording {self.path} is cut short: its disk does not answer"
            self.on_error = lambda: None

    def _now(self) -> float:
        return round(self._clock() - self._start, 6)

    def _append(self, line: msgspec.Struct) -> None:
        if not self.error and not self._closing.is_set():
            self._lines.put(encode_line(line))

    def _flush_until_closed(self) -> None:
        try:
            while not self._closing.wait(FLUSH_SECONDS):
                self._flush()
            self._flush()
        except OSError as error:
            self.error = f"the recording {self.path} ended early: {error.strerror or error}"
            self.on_error()
        finally:
            with suppress(OSError):
                self._file.close()

    def _flush(self) -> None:
        lines = [self._lines.get_nowait() for _ in range(self._lines.qsize())]
        self._file.write(b"".join(lines))
        self._file.flush()


def _header(model: str, engine: str, versions: dict[str, str]) -> Header:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Header(
        format=FORMAT,
        version=VERSION,
        program=__version__,
        created=created,
        model=model,
        engine=engine,
        versions=versions,
    )
