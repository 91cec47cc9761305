"""The data of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Works on bytes and reads only the data: every token is an event, and parsing takes CPU time from a server on this
machine.
"""

from __future__ import annotations

from playground.engine.backends.openai_server.faults import Malformed

MOST_BYTES = 2**20
FIELD = b"data:"


class EventStream:
    """Feed it the bytes as they arrive, split anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[bytes]:
        """The data of every event that is complete now. Raises `Malformed` if one gets too long."""
        *lines, self._rest = self._lines(self._rest + part)
        found = []
        for line in lines:
            if line.startswith(FIELD):
                self._data.append(line[len(FIELD) :].removeprefix(b" "))
            elif not line:
                found.append(b"\n".join(self._data))
                self._data = []
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise Malformed(f"an event of more than {MOST_BYTES} bytes")
        return [data for data in found if data]

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
