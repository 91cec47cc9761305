"""Bundling, on a clock that the test moves."""

from __future__ import annotations

import os

import pytest

from playground.protocol.events import MemoryMeasured, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.metrics import NO_METRICS, Memory, RequestMetrics
from playground.protocol.steps import Step
from playground.protocol.wire import AnyEvent, decode_event
from playground.worker.outbox import BUNDLE_S, Outbox


class Pipe:
    """An outbox and what arrived at its other end."""

    def __init__(self) -> None:
        self.now = 0.0
        read, write = os.pipe()
        self._reader, self._writer = os.fdopen(read, "rb"), os.fdopen(write, "wb", buffering=0)
        self.outbox = Outbox(self._writer, lambda: self.now)

    def events(self) -> list[AnyEvent]:
        """Every event, once no more follow."""
        self.outbox.close()
        self._writer.close()
        with self._reader:
            return [decode_event(line) for line in self._reader]

    def decode_one(self, name: str, token_id: int) -> None:
        """One step of one request."""
        self.outbox.emit(TokensGenerated(request_id=name, token_ids=[token_id], times=[self.now], text=f"{token_id} "))
        self.outbox.emit(StepsExecuted(steps=[Step(index=token_id, start=self.now, seconds=0.01, slots=[])]))
        self.outbox.flush_if_due()


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


def test_the_first_token_goes_at_once_and_the_rest_in_bundles(pipe):
    for index in range(9):
        pipe.decode_one("a", index)
        pipe.now += BUNDLE_S / 4
    events = pipe.events()
    tokens = [event.token_ids for event in events if isinstance(event, TokensGenerated)]
    assert tokens == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]
    steps = [[step.index for step in event.steps] for event in events if isinstance(event, StepsExecuted)]
    assert steps == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]


def test_the_first_token_of_each_request_goes_at_once(pipe):
    for name, index in (("a", 0), ("a", 1), ("b", 2), ("b", 3)):
        pipe.decode_one(name, index)
    tokens = [(e.request_id, e.token_ids) for e in pipe.events() if isinstance(e, TokensGenerated)]
    assert tokens == [("a", [0]), ("a", [1]), ("b", [2]), ("b", [3])]


def test_a_request_that_has_ended_is_forgotten(pipe):
    for name, index in (("a", 0), ("a", 1)):
        pipe.decode_one(name, index)
        pipe.outbox.emit(RequestFinished(request_id=name, reason="stop", metrics=NO_METRICS))
    assert not pipe.outbox._seen


def test_a_bundle_keeps_each_time_and_all_text(pipe):
    for index in range(4):
        pipe.decode_one("a", index)
        pipe.now += BUNDLE_S / 8
    bundles = [event for event in pipe.events() if isinstance(event, TokensGenerated)]
    assert bundles[-1].times == [BUNDLE_S / 8, BUNDLE_S / 4, BUNDLE_S * 3 / 8]
    assert "".join(event.text for event in bundles) == "0 1 2 3 "


def test_a_bundle_keeps_what_drafts_brought(pipe):
    for text in ("a", "bc", "def"):
        pipe.outbox.emit(
            TokensGenerated(request_id="r", token_ids=[1], times=[0.0], text=text, draft_spans=[(0, len(text) - 1)])
        )
    pipe.outbox.close()
    first, rest = pipe.events()
    assert first.draft_spans == [(0, 0)]
    assert [rest.text[start:end] for start, end in rest.draft_spans] == ["b", "de"]


def test_any_other_event_pushes_what_came_before_it_ahead_of_itself(pipe):
    for index in range(3):
        pipe.decode_one("a", index)
    metrics = RequestMetrics(prompt_tokens=1, output_tokens=3)
    pipe.outbox.emit(RequestFinished(request_id="a", reason="stop", metrics=metrics))
    pipe.outbox.emit(MemoryMeasured(memory=Memory(weights=5)))
    kinds = [type(event).__name__ for event in pipe.events()]
    assert kinds == ["TokensGenerated", "TokensGenerated", "StepsExecuted", "RequestFinished", "MemoryMeasured"]


def test_closing_writes_out_what_is_left_and_a_vanished_reader_is_no_fault(pipe):
    pipe.decode_one("a", 0)
    pipe.decode_one("a", 1)
    assert [e.token_ids for e in pipe.events() if isinstance(e, TokensGenerated)] == [[0], [1]]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as writer:
        outbox = Outbox(writer)
        outbox.emit(MemoryMeasured(memory=Memory()))
        outbox.close()
