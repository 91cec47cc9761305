"""Events of a stream are the same however their bytes are split."""

from __future__ import annotations

import pytest

from playground.engine.backends.openai_server.event_stream import MOST_BYTES, EventStream
from playground.engine.backends.openai_server.faults import Malformed

TEXT = (
    ": a comment\n\ndata: one\n\ndata:two\r\n\r\nevent: message\rdata: three\rdata:  é\r\rdata:\n\n"
    "id: 4\nretry: 10\ndata: [DONE]\n\ndata: never ended"
).encode()
EVENTS = [b"one", b"two", "three\n é".encode(), b"[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(TEXT)])
def test_events_however_they_are_cut(size: int) -> None:
    stream = EventStream()
    parts = [TEXT[at : at + size] for at in range(0, len(TEXT), size)]
    assert [event for part in parts for event in stream.feed(part)] == EVENTS


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"])
def test_an_event_without_an_end_is_no_event(endless: bytes) -> None:
    stream = EventStream()
    with pytest.raises(Malformed, match="more than"):
        for _ in range(MOST_BYTES // 1000 + 1):
            stream.feed(endless)
