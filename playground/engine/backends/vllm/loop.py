"""Requests on their way through one vLLM engine: queued, stepped, measured, reported. Knows ids, times and rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from time import perf_counter

from vllm.inputs import TokensPrompt
from vllm.v1.engine import EngineCoreOutput

from playground.engine.admission import Refused, check, check_name, misfit, refused
from playground.engine.arrivals import Arrivals
from playground.engine.backends.vllm.engine import Engine
from playground.engine.backends.vllm.sampling import sampling_of
from playground.engine.backends.vllm.slots import Slots
from playground.engine.detokenizer import Detokenizer
from playground.engine.ending import finished_event
from playground.engine.request import Request
from playground.engine.step_log import StepLog
from playground.protocol.commands import GenerationRequest
from playground.protocol.events import Event, FinishReason, RequestQueued, TokensGenerated
from playground.protocol.steps import SlotWork
from playground.protocol.timing import RequestTimer

REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length"}


class VllmLoop:
    """All requests of one engine. vLLM gives each an id of its own; outside this class only ours are used."""

    def __init__(self, engine: Engine, emit: Callable[[Event], None]) -> None:
        self.engine, self._emit = engine, emit
        self.loaded_at = perf_counter()
        self.kv_peak = 0
        self.requests: dict[str, Request] = {}
        self._slots = Slots()
        self._inner: dict[str, str] = {}
        self._arrivals = Arrivals[Request]()
        self._detokenizers: dict[str, Detokenizer] = {}
        self._numbers = itertools.count()
        self._steps = StepLog()
        self._flush = False

    @property
    def step_index(self) -> int:
        """The number of the next step."""
        return self._steps.index

    @property
    def busy(self) -> bool:
        """Whether there is work for a step now; after an abort one more, which reports the blocks that were freed."""
        self._arrive()
        return bool(self._inner) or self._flush

    @property
    def next_arrival(self) -> float | None:
        """When the next delayed request arrives."""
        return self._arrivals.next

    @property
    def known(self) -> dict[str, str]:
        """vLLM's ids to ours, in the order in which it received the requests."""
        return self._inner

    def submit(self, request: GenerationRequest, received: float, why_not: str = "") -> None:
        """Queue a request; one that can never be served ends at once with its reason, as does one with a `why_not`."""
        arrival = received + request.delay_s
        timer = RequestTimer(submitted=arrival)
        if received < self.loaded_at:
            timer.loaded = self.loaded_at
        try:
            if why_not:
                raise Refused(why_not)
            check_name(request.request_id, self.requests)
            state = Request(request.request_id, self.engine.tokenizer.encode(request), request.sampling, timer)
            check(state, self.engine.context, self.engine.pool)
        except Refused as refusal:
            self._emit(refused(request.request_id, timer, refusal))
            return
        state.order = next(self._numbers)
        piece = self.engine.tokenizer.piece(state.prompt_ids)
        self._detokenizers[state.request_id] = Detokenizer(piece, request.sampling.stop)
        self.requests[state.request_id] = state
        self._arrivals.put(arrival, state.order, state)
        count = len(state.prompt_ids)
        self._emit(RequestQueued(state.request_id, submitted=arrival, loaded=timer.loaded, prompt_tokens=count))

    def adopt(self, engine: Engine) -> None:
        """Continue with another engine: the output of a request becomes part of its prompt and is recomputed. A request
        that can no longer be served ends with the numbers."""
        self.engine = engine
        again = [self.requests[ours] for ours in self._inner.values()]
        self._inner, self._slots = {}, Slots()
        for request in list(self.requests.values()):
            if reason := misfit(request, engine.context, engine.pool):
                self._end(request.request_id, "error", f"vLLM started anew, and now {reason}")
        for request in sorted(again, key=lambda request: request.order):
            if not request.finished:
                request.preemptions += 1
                self._steps.preempted.append(request.request_id)
                self._hand_over(request)

    def abort(self, request_id: str | None) -> None:
        """End one request, or all if None; vLLM frees the blocks at once."""
        self._end(request_id, "abort")

    def fail(self, message: str) -> None:
        """End every request with an error that users read."""
        self._end(None, "error", message)

    def lose(self, message: str) -> None:
        """End the requests that vLLM has: its engine is gone, and they are not to be recomputed."""
        for request_id in list(self._inner.values()):
            self._finish(self.requests[request_id], "abort", message)

    def step(self) -> None:
        """Run one step of vLLM and emit it as a step of ours."""
        self._arrive()
        self._flush = False
        start, scheduler = perf_counter(), self.engine.scheduler
        self.engine.llm.step()
        now = perf_counter()
        rows = scheduler.reported.done.popleft() if scheduler.reported.done else None
        works: list[SlotWork] = []
        if rows:
            self._slots.take(rows, self._inner)
            for row in rows.rows:
                if not row.decode and row.request_id in self._inner:
                    self.requests[self._inner[row.request_id]].timer.started(start)
            self._steps.preempted += self._count_preemptions(rows.preempted)
            works = self._slots.works(rows, self._inner, scheduler.max_num_active_reqs)
            for output in rows.outputs:
                self._receive(output, now)
        if rows or self._steps.finished:
            self._report(start, now, works)

    def _arrive(self) -> None:
        for request in self._arrivals.due(perf_counter()):
            self._hand_over(request)

    def _hand_over(self, request: Request) -> None:
        prompt = TokensPrompt(prompt_token_ids=request.prompt_ids + request.output_ids)
        sampling = sampling_of(request, self.engine.context)
        inner = self.engine.llm.add_request(request.request_id, prompt, sampling)
        self._inner[inner] = request.request_id

    def _receive(self, output: EngineCoreOutput, now: float) -> None:
        ours = self._inner.get(output.request_id)
        if ours is None:
            return
        request, token_ids, ended = self.requests[ours], list(output.new_token_ids), output.finish_reason
        reason = None if ended is None else REASONS.get(str(ended), "error")
        text = ""
        if token_ids:
            text, token_ids, reason = self._read(request, token_ids, reason)
            request.output_ids += token_ids
            request.timer.received(now, len(token_ids))
        if output.prefill_stats and not request.preemptions:
            request.cached_tokens = output.prefill_stats.num_cached_tokens
        if reason:
            detokenizer = self._detokenizers[request.request_id]
            text += detokenizer.flush() if not detokenizer.stopped else ""
        if token_ids:
            times = [now] * len(token_ids)
            self._emit(TokensGenerated(request_id=request.request_id, token_ids=token_ids, times=times, text=text))
        if reason:
            if ended is None:
                self._drop(request)
            message = "" if reason != "error" else f"vLLM ended it: {ended}"
            self._finish(request, reason, message)

    def _read(
        self, request: Request, token_ids: list[int], reason: FinishReason | None
    ) -> tuple[str, list[int], FinishReason | None]:
        """The text of new ids, and the ids up to a stop string; vLLM is not given our stop strings."""
        detokenizer, text = self._detokenizers[request.request_id], ""
        for count, token_id in enumerate(token_ids, 1):
            text += detokenizer.feed(token_id)
            if detokenizer.stopped:
                return text, token_ids[:count], "stop"
        return text, token_ids, reason

    def _count_preemptions(self, inner: list[str]) -> list[str]:
        ours = [self._inner[each] for each in inner if each in self._inner]
        for request_id in ours:
            self.requests[request_id].preemptions += 1
        return ours

    def _end(self, request_id: str | None, reason: FinishReason, message: str = "") -> None:
        ended = [request for request in self.requests.values() if request_id in (None, request.request_id)]
        for request in ended:
            self._drop(request)
            self._finish(request, reason, message)
        self._arrivals.keep(lambda request: not request.finished)

    def _drop(self, request: Request) -> None:
        """Take a request out of vLLM, between two of its steps."""
        inner = [theirs for theirs, ours in self._inner.items() if ours == request.request_id]
        if inner and self.engine.llm is not None and not self.engine.failed:
            self.engine.llm.abort_request(inner, internal=True)
            self._flush = True

    def _finish(self, request: Request, reason: FinishReason, message: str = "") -> None:
        request.finished = True
        self._steps.finished.append(request.request_id)
        detokenizer = self._detokenizers.pop(request.request_id)
        del self.requests[request.request_id]
        for inner in [theirs for theirs, ours in self._inner.items() if ours == request.request_id]:
            del self._inner[inner]
            self._slots.leave(inner)
        self._emit(finished_event(request, detokenizer, reason, message))

    def _report(self, start: float, now: float, works: list[SlotWork]) -> None:
        blocks = self.engine.scheduler.count_blocks()
        kv_bytes = blocks.used * self.engine.pool.block_bytes
        self.kv_peak = max(self.kv_peak, kv_bytes)
        waiting = [self._inner[inner] for inner in self.engine.scheduler.waiting_ids() if inner in self._inner]
        self._emit(self._steps.add(start, now - start, works, waiting, blocks, kv_bytes))
