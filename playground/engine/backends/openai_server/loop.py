"""Requests on their way to a server and back, seen from outside: sent, streamed, measured, reported.

A step here is an interval in which something arrived, marked `observed`: the server does not report its own steps. Its
slots are our streams, `waiting` are our requests that have not produced anything yet (queued or in prefill, which a
server does not distinguish), and blocks are the server's own count if it has one.
"""

from __future__ import annotations

import itertools
import queue
from functools import partial
from time import perf_counter

from playground.engine.admission import Refused, check_name, refused
from playground.engine.arrivals import Arrivals
from playground.engine.backends.base import Emit, EngineError
from playground.engine.backends.openai_server.answer import Piece
from playground.engine.backends.openai_server.body import body_of
from playground.engine.backends.openai_server.client import Client
from playground.engine.backends.openai_server.metrics import MetricsPage
from playground.engine.backends.openai_server.requests import StreamedRequest
from playground.engine.backends.openai_server.server import Server
from playground.engine.detokenizer import StopText
from playground.engine.slots import free_slot
from playground.protocol.commands import GenerationRequest
from playground.protocol.events import FinishReason, RequestFinished, RequestQueued, StepsExecuted, TokensGenerated
from playground.protocol.steps import SlotWork, Step
from playground.protocol.timing import RequestTimer

GATHER_S = 0.01  # pieces are timestamped on the client's thread, which each step here would interrupt
Arrival = tuple[StreamedRequest, float, Piece | EngineError | None]


class ServerLoop:
    """All requests to one model of one server."""

    def __init__(self, client: Client, server: Server, model: str, page: MetricsPage, emit: Emit) -> None:
        self._client, self._server, self._model, self._page, self._emit = client, server, model, page, emit
        self.step_index = 0
        self._requests: dict[str, StreamedRequest] = {}
        self._delayed = Arrivals[StreamedRequest]()
        self._arrived: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._left: list[str] = []
        self._changed = False
        self._looked = perf_counter()

    @property
    def busy(self) -> bool:
        """Whether anything is under way or unreported."""
        self._send_due()
        return len(self._requests) > len(self._delayed) or self._changed or self._page.pending

    @property
    def next_arrival(self) -> float | None:
        """When the next delayed request is to be sent."""
        return self._delayed.next

    def submit(self, request: GenerationRequest, received: float) -> None:
        """Send a request now or when its delay is over; one that the server cannot take ends at once with its
        reason."""
        arrival = received + request.delay_s
        timer = RequestTimer(submitted=arrival)
        try:
            check_name(request.request_id, self._requests)
            path, body = body_of(request, self._model, self._server)
        except Refused as refusal:
            self._emit(refused(request.request_id, timer, refusal))
            return
        stop = StopText(request.sampling.stop)
        state = StreamedRequest(request.request_id, path, body, timer, next(self._numbers), stop=stop)
        self._requests[state.request_id] = state
        self._delayed.put(arrival, state.order, state)
        self._emit(RequestQueued(request_id=state.request_id, submitted=arrival))
        self._send_due()

    def abort(self, request_id: str | None) -> None:
        """End one request, or all if None, by closing their connections now."""
        self._end(request_id, "abort")

    def fail(self, message: str) -> None:
        """End every request with an error that users read."""
        self._end(None, "error", message)

    def step(self) -> None:
        """Process what has arrived since the last step."""
        self._send_due()
        start = max(self._looked, perf_counter() - GATHER_S)
        touched: dict[str, int] = {}
        while not self._arrived.empty():
            request, now, what = self._arrived.get()
            if request.request_id in self._requests:
                touched[request.request_id] = touched.get(request.request_id, 0) + self._receive(request, now, what)
        self._page.ask_again(finished=not self._requests)
        if self._page.take(self._emit):
            self._changed = True
        self._looked = perf_counter()
        if touched or self._changed:
            self._report(start, touched)

    def _send_due(self) -> None:
        for request in self._delayed.due(perf_counter()):
            request.future = self._client.start(self._run(request))
            self._changed = True

    async def _run(self, request: StreamedRequest) -> None:
        """Runs in the client's thread and touches only the queue."""
        try:
            await self._client.stream(request.path, request.body, partial(self._put, request))
            self._put(request, perf_counter(), None)
        except Exception as error:
            self._arrived.put((request, perf_counter(), self._client.fault(error)))

    def _put(self, request: StreamedRequest, now: float, what: Piece | None) -> None:
        self._arrived.put((request, now, what))

    def _receive(self, request: StreamedRequest, now: float, what: Piece | EngineError | None) -> int:
        """Take in one piece, fault or end; returns the number of token ids in it."""
        if isinstance(what, EngineError):
            self._finish(request, "error", what.line)
            return 0
        if what is None:
            self._finish(request, request.reason or "stop", request.fault)
            return 0
        if not request.take(now, what):
            return 0
        if request.slot is None:
            request.slot = free_slot(other.slot for other in self._requests.values())
        token_ids = list(what.token_ids or ()) if request.reports_token_ids else []
        times = [now] * (len(token_ids) if request.reports_token_ids else 1)
        text = request.certain(what.text)
        self._emit(TokensGenerated(request_id=request.request_id, token_ids=token_ids, times=times, text=text))
        if request.stop.stopped and request.future:
            request.future.cancel()
            self._finish(request, "stop")
        return len(token_ids)

    def _end(self, request_id: str | None, reason: FinishReason, message: str = "") -> None:
        for request in [each for each in self._requests.values() if request_id in (None, each.request_id)]:
            if request.future:
                request.future.cancel()
            self._finish(request, reason, message)
        self._delayed.keep(lambda request: request.request_id in self._requests)

    def _finish(self, request: StreamedRequest, reason: FinishReason, message: str = "") -> None:
        del self._requests[request.request_id]
        if rest := request.stop.flush():
            self._emit(TokensGenerated(request_id=request.request_id, token_ids=[], times=[], text=rest))
        self._left.append(request.request_id)
        self._changed = True
        metrics = request.metrics()
        self._emit(RequestFinished(request_id=request.request_id, reason=reason, metrics=metrics, message=message))

    def _report(self, start: float, touched: dict[str, int]) -> None:
        sent = [request for request in self._requests.values() if request.future]
        streams = {request.slot: request for request in sent if request.slot is not None}
        slots = [SlotWork()] * (max(streams, default=-1) + 1)
        for slot, request in streams.items():
            tokens = touched.get(request.request_id, 0)
            slots[slot] = SlotWork(request_id=request.request_id, phase="decode", tokens=tokens)
        step = Step(
            index=self.step_index,
            start=start,
            seconds=self._looked - start,
            slots=slots,
            waiting=[request.request_id for request in sent if request.slot is None],
            finished=self._left,
            blocks_used=self._page.blocks_used,
            blocks_free=self._page.blocks - self._page.blocks_used,
            observed=True,
        )
        self.step_index += 1
        self._left, self._changed = [], False
        self._emit(StepsExecuted(steps=[step]))
