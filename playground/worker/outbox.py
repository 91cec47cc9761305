"""Outgoing events: tokens and steps are bundled; any other event flushes the bundles first, so that order is kept."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from time import perf_counter
from typing import BinaryIO

from playground.protocol.events import Event, RequestFinished, StepsExecuted, TokensGenerated
from playground.protocol.steps import Step
from playground.protocol.wire import encode_line

BUNDLE_S = 0.04  # each bundle costs a frame on screen; a request's first token is sent at once


class Outbox:
    """Bundles events for `BUNDLE_S` and writes on a thread of its own, so that a slow reader never delays a step."""

    def __init__(self, pipe: BinaryIO, clock: Callable[[], float] = perf_counter) -> None:
        self._pipe, self._clock = pipe, clock
        self._tokens: dict[str, TokensGenerated] = {}
        self._steps: list[Step] = []
        self._seen: set[str] = set()
        self._since = clock()
        self._lines: queue.SimpleQueue[list[Event] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="events", daemon=True)
        self._writer.start()

    def emit(self, event: Event) -> None:
        """Send an event: soon if it can be bundled, else now with all that came before it."""
        if isinstance(event, StepsExecuted):
            self._steps.extend(event.steps)
        elif isinstance(event, TokensGenerated):
            self._bundle(event)
        else:
            self.flush()
            self._lines.put([event])
            if isinstance(event, RequestFinished):
                self._seen.discard(event.request_id)

    def send(self, event: Event) -> None:
        """Send an event past the bundles; unlike `emit` it may be called from any thread."""
        self._lines.put([event])

    def flush_if_due(self) -> None:
        """Send the bundles that have waited long enough."""
        if self._clock() - self._since >= BUNDLE_S:
            self.flush()

    def flush(self) -> None:
        """Send the bundles now: tokens first, then the steps that made them."""
        self._since = self._clock()
        bundles: list[Event] = list(self._tokens.values())
        if self._steps:
            bundles.append(StepsExecuted(steps=self._steps))
        if bundles:
            self._lines.put(bundles)
            self._tokens, self._steps = {}, []

    def close(self) -> None:
        """Write everything out and stop the writing thread."""
        self.flush()
        self._lines.put(None)
        self._writer.join(timeout=1)

    def _bundle(self, event: TokensGenerated) -> None:
        held = self._tokens.get(event.request_id)
        if held is not None:
            held.token_ids.extend(event.token_ids)
            held.times.extend(event.times)
            at = len(held.text)
            event = TokensGenerated(
                request_id=event.request_id,
                token_ids=held.token_ids,
                times=held.times,
                text=held.text + event.text,
                draft_spans=[*held.draft_spans, *((at + start, at + end) for start, end in event.draft_spans)],
            )
        self._tokens[event.request_id] = event
        if event.request_id not in self._seen:
            # The first token of a request is not held back: users wait for it.
            self._seen.add(event.request_id)
            self.flush()

    def _write(self) -> None:
        while (events := self._lines.get()) is not None:
            try:
                self._pipe.write(b"".join(map(encode_line, events)))
            except OSError:
                return
