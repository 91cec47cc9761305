"""Reads recordings and plays them at their recorded times, or faster."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from playground.session.recording import FORMAT, VERSION, Entry, Header, Message, RecordingError

_headers = msgspec.json.Decoder(Header)
_entries = msgspec.json.Decoder(Entry)
TAIL = 1 << 16  # bytes


class Recording(msgspec.Struct):
    """A recording on disk, which may be iterated any number of times.

    After a pass, `truncated` says if the last line was left out because it is incomplete (the program was killed while
    it wrote).
    """

    path: Path
    truncated: str = ""

    def __iter__(self) -> Iterator[Entry]:
        self.truncated = ""
        with _open(self.path) as file:
            file.readline()
            for number, line in enumerate(file, 2):
                try:
                    entry = _entries.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    if line.endswith(b"\n"):
                        raise RecordingError(f"{self.path}:{number}: this is no command or event: {error}") from None
                    self.truncated = f"{self.path}:{number}: the recording breaks off here; this line was left out"
                    return
                yield entry


def read_recording(path: Path) -> Recording:
    """Open a recording and check its header; raises `RecordingError`, as does iterating over it."""
    with _open(path) as file:
        line = file.readline()
    try:
        header = _headers.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RecordingError(f"{path}:1: this is no recording: its header line is missing") from None
    if (header.format, header.version) != (FORMAT, VERSION):
        found = f"{header.format!r} {header.version}"
        raise RecordingError(f"{path}:1: the format is {found}; this program reads {FORMAT!r} {VERSION}")
    return Recording(path)


def length(entries: Iterable[Entry]) -> float:
    """The time of the last entry, in seconds; of a recording on disk only the end is read."""
    if isinstance(entries, Recording):
        return _last_time(entries.path)
    return max((entry.t for entry in entries), default=0.0)


def _last_time(path: Path) -> float:
    with _open(path) as file:
        size, tail = file.seek(0, os.SEEK_END), TAIL
        while True:
            file.seek(max(0, size - tail))
            for line in reversed(file.readlines()[1:]):  # the first is the header, or may be the rest of a line
                with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                    return _entries.decode(line).t
            if tail >= size:
                return 0.0
            tail *= 8


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from None


async def play(
    entries: Iterable[Entry],
    speed: float,
    sink: Callable[[Message], object],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Give each message to `sink` at its recorded time divided by `speed`; 0 and infinity mean as fast as possible."""
    if not speed >= 0:
        raise ValueError(f"speed cannot be {speed:g}; it takes a number from 0, where 0 is as fast as possible")
    pace = 0.0 if math.isinf(speed) or speed == 0 else 1 / speed
    start = clock()
    for entry in entries:
        # Sleep even for 0 s: the screen and its keys run meanwhile.
        await sleep(max(0.0, start + entry.t * pace - clock()))
        sink(entry.message)
