"""Messages of JSON, each after its length, over a pair of pipes.

Every program pays for what is imported here, so JSON is read and written by the C halves of `json` alone: the rest of
that package, `socket` and `signal` would double the time of a check.
"""

import os
from _json import encode_basestring_ascii, make_encoder, make_scanner
from types import SimpleNamespace
from typing import Any

HEADER = 8
LARGEST = 256 * 2**20
_PLAIN = {
    "object_hook": None,
    "object_pairs_hook": None,
    "parse_float": float,
    "parse_int": int,
    "parse_constant": float,
}
_scan = make_scanner(SimpleNamespace(strict=True, memo={}, **_PLAIN))  # type: ignore[arg-type]


class Gone(BaseException):
    """The other side ended or sent an invalid message. Not an `Exception`, so that no test can swallow it."""


class Channel:
    """One end of the pair."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader, self.writer = reader, writer

    def send(self, message: Any) -> None:
        """Write one message; raises `Gone` if the other end is closed."""
        body = dumps(message).encode()
        rest = memoryview(len(body).to_bytes(HEADER, "big") + body)
        try:
            while rest:
                rest = rest[os.write(self.writer, rest) :]
        except OSError:
            raise Gone("the program ended before its tests did") from None

    def receive(self) -> Any:
        """Wait for one message; raises `Gone`."""
        size = int.from_bytes(self._exactly(HEADER), "big")
        if size > LARGEST:
            raise Gone(f"a message of {size} bytes")
        return loads(self._exactly(size).decode())

    def close(self) -> None:
        """Close this end."""
        os.close(self.reader)
        os.close(self.writer)

    def _exactly(self, size: int) -> bytes:
        body = bytearray()
        while len(body) < size:
            part = os.read(self.reader, min(size - len(body), 2**20))
            if not part:
                raise Gone("the program ended before its tests did")
            body += part
        return bytes(body)


def pair() -> tuple[Channel, Channel]:
    """Create both ends."""
    (left_reads, right_writes), (right_reads, left_writes) = os.pipe(), os.pipe()
    return Channel(left_reads, left_writes), Channel(right_reads, right_writes)


def dumps(value: Any) -> str:
    """Encode plain data as JSON; raises `TypeError`, `ValueError`, `RecursionError`."""
    return "".join(make_encoder({}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, True)(value, 0))


def loads(text: str) -> Any:
    """Decode JSON; raises `ValueError`, `RecursionError`."""
    try:
        return _scan(text, 0)[0]
    except StopIteration:
        raise ValueError("no JSON") from None


def _refuse(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} cannot cross")
