"""The data of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Works on bytes and reads only the data, and whether it is an error's: every token is an event, and parsing takes CPU
time from a server on this machine.
"""

from __future__ import annotations

from codecs import BOM_UTF8

import msgspec

from playground.engine.backends.openai_server.faults import Malformed

MOST_BYTES = 2**20
FIELD, KIND, ERROR = b"data:", b"event:", b"error"


class EventStream:
    """Feed it the bytes as they arrive, split anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._begun = self._is_error = False

    def feed(self, part: bytes) -> list[bytes]:
        """The data of every event that is complete now; that of an event called `error` as the `error` of an object.
        Raises `Malformed` if one gets too long."""
        text = self._rest + part
        if not self._begun:
            if len(text) < len(BOM_UTF8) and BOM_UTF8.startswith(text):
                self._rest = text
                return []
            self._begun, text = True, text.removeprefix(BOM_UTF8)
        *lines, self._rest = self._lines(text)
        found = [data for line in lines if (data := self._read(line))]
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise Malformed(f"an event of more than {MOST_BYTES} bytes")
        return found

    def _read(self, line: bytes) -> bytes:
        """Take a line; returns the data of the event that it ends."""
        if line.startswith(FIELD):
            self._data.append(line[len(FIELD) :].removeprefix(b" "))
        elif line.startswith(KIND):
            self._is_error = line[len(KIND) :].strip() == ERROR
        elif not line:
            data, is_error = b"\n".join(self._data), self._is_error
            self._data, self._is_error = [], False
            return _as_error(data) if is_error and data else data
        return b""

    @staticmethod
    def _lines(text: bytes) -> list[bytes]:
        """Split at LF, CR LF or CR; a CR at the end may be half of a CR LF."""
        if b"\r" not in text:
            return text.split(b"\n")
        half = text.endswith(b"\r")
        lines = text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if half:
            lines[-1] += b"\r"
        return lines


def _as_error(data: bytes) -> bytes:
    """An object whose `error` is the data, or its text if it is no JSON."""
    try:
        return msgspec.json.encode({"error": msgspec.json.decode(data)})
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.encode({"error": data.decode(errors="replace")})
