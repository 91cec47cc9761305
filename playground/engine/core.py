"""The engine's own loop, one step at a time: schedule, run, sample, emit.

Knows requests, blocks and time. Knows nothing of models: a `Runner` turns planned work into token ids.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from playground.engine.admission import Refused, check, check_name, misfit, refused
from playground.engine.arrivals import Arrivals
from playground.engine.blocks import BlockManager
from playground.engine.detokenizer import Detokenizer, Piece
from playground.engine.ending import end_reason, until_end
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Plan, Work, schedule
from playground.engine.slots import slot_works
from playground.protocol.commands import GenerationRequest
from playground.protocol.events import (
    Event,
    FinishReason,
    RequestFinished,
    SlotWork,
    Step,
    StepsExecuted,
    TokensGenerated,
)
from playground.protocol.timing import RequestTimer

NOT_FINITE = "the model gave probabilities that are not finite; another dtype may help, and playground check looks why"


class Runner(Protocol):
    """Computes planned work and holds the KV that it leaves behind."""

    blocks: BlockManager
    context: int

    @property
    def splits_at_blocks(self) -> bool:
        """No work may reach over the end of a block."""

    def encode(self, request: GenerationRequest) -> list[int]:
        """Prompt ids; raises `Refused`."""

    def detokenizer(self, prompt_ids: list[int]) -> Piece:
        """A function from the next output id to the text that it completes."""

    def is_end(self, token_id: int) -> bool:
        """EOS of this model."""

    def run(self, works: Sequence[Work], held: Sequence[Request]) -> list[list[int]]:
        """New token ids of each work: none while its prefill goes on, or where the model gave no finite numbers; with
        drafts, the accepted ones and one more. `held` rows only pad the batch."""

    def forget(self, request: Request) -> None:
        """The request ended or lost its blocks."""

    def kv_bytes(self, running: Sequence[Request]) -> int:
        """Bytes of the blocks in use."""


class EngineCore:
    """The engine loop of one loaded model: queue, schedule, run, sample, report."""

    def __init__(
        self, runner: Runner, emit: Callable[[Event], None], clock: Callable[[], float] = perf_counter
    ) -> None:
        self.runner, self._emit, self._clock = runner, emit, clock
        self.limits = Limits()
        self.step_index = 0
        self.loaded_at = clock()
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.kv_peak = 0
        self._arrivals = Arrivals[Request]()
        self._detokenizers: dict[str, Detokenizer] = {}
        self._numbers = itertools.count()
        self._left: list[str] = []
        self._preempted: list[str] = []

    @property
    def busy(self) -> bool:
        """There is work for a step now."""
        self._arrive()
        return bool(self.waiting or any(not request.finished for request in self.running))

    @property
    def next_arrival(self) -> float | None:
        """When the next delayed request arrives, on the engine's clock."""
        return self._arrivals.next

    def submit(self, request: GenerationRequest, received: float) -> None:
        """Queue a request; one that can never be served ends at once with its reason."""
        arrival = received + request.delay_s
        timer = RequestTimer(submitted=arrival)
        if received < self.loaded_at:
            timer.loaded = self.loaded_at
        try:
            check_name(request.request_id, self._detokenizers)
            state = Request(request.request_id, self.runner.encode(request), request.sampling, timer)
            check(state, self.runner.context, self.runner.blocks)
        except Refused as refusal:
            self._emit(refused(request.request_id, timer, refusal))
            return
        state.order = next(self._numbers)
        self._detokenizers[state.request_id] = Detokenizer(
            self.runner.detokenizer(state.prompt_ids), request.sampling.stop
        )
        self._arrivals.put(arrival, state.order, state)

    def adopt(self, other: EngineCore) -> None:
        """Take over another loop's requests and count; what they had computed is computed again."""
        other.preempt([request for request in other.running if not request.finished])
        self.waiting, self._arrivals, self._detokenizers = other.waiting, other._arrivals, other._detokenizers
        self._numbers, self.step_index, self.kv_peak = other._numbers, other.step_index, other.kv_peak
        self._left, self._preempted = other._left, other._preempted

    def abort(self, request_id: str | None) -> None:
        """End one request, or all; its blocks are free before the next step, whatever the policy."""
        self._end(request_id, "abort")

    def fail(self, message: str) -> None:
        """End every request with an error, in plain words, those still to arrive included."""
        self._end(None, "error", message)

    def preempt(self, requests: Sequence[Request]) -> None:
        """Take the blocks of running requests; they are computed again before anything else in the queue.

        Finished rows that static batching still holds are released.
        """
        for request in requests:
            self._preempt(request)
        again = [request for request in requests if not request.finished]
        self._preempted += [request.request_id for request in again]
        again.sort(key=lambda request: (request.timer.submitted or 0.0, request.order))
        self.waiting = [*again, *self.waiting]

    def step(self) -> None:
        """Schedule, run, sample, emit once."""
        self._arrive()
        self._let_go()
        self._refuse_misfits()
        self._propose()
        plan = schedule(self.waiting, self.running, self.limits, self.runner.blocks)
        start = self._clock()
        self._apply(plan, start)
        outputs = self.runner.run(plan.works, plan.held)
        now = self._clock()
        accepted = {
            work.request.request_id: self._receive(work, token_ids, now)
            for work, token_ids in zip(plan.works, outputs, strict=True)
        }
        slots = slot_works(plan, self.running, self.limits.slots, accepted)
        kv_bytes = self.runner.kv_bytes(self.running)
        self.kv_peak = max(self.kv_peak, kv_bytes)
        self._let_go()
        self._report(slots, start, now - start, kv_bytes)

    def _arrive(self) -> None:
        self.waiting += self._arrivals.due(self._clock())

    def _propose(self) -> None:
        """Look up drafts for the rows that decode, none past the end of an answer."""
        if not self.limits.drafts:
            for request in self.running:
                request.draft_ids = []
            return
        for request in self.running:
            most = min(
                self.limits.drafts, request.longest - request.length - 1, self.runner.context - request.length - 1
            )
            if self.runner.splits_at_blocks:
                # A token past the end of a block would have to see it sealed.
                most = min(most, -request.length % self.runner.blocks.size)
            decoding = most > 0 and request.output_ids and not request.finished and request.remaining == 1
            ids = request.token_ids(0, request.length) if decoding else []
            request.draft_ids = request.ngrams.propose(ids, most)

    def _apply(self, plan: Plan, now: float) -> None:
        self.preempt(plan.preempted)
        self._close_up()
        for request in plan.admitted:
            self.waiting.remove(request)
            self.running.append(request)
            request.slot = self._free_slot()
            cached = self.runner.blocks.adopt(request)
            # Blocks that a preempted request finds again are its own, not somebody's prefix.
            request.cached_tokens = request.cached_tokens if request.preemptions else cached
        for work in plan.works:
            work.request.timer.started(now)
            self.runner.blocks.grow(work.request, work.tokens)

    def _receive(self, work: Work, token_ids: list[int], now: float) -> int:
        """Take the new tokens of a work; returns how many of them are accepted drafts."""
        request, detokenizer = work.request, self._detokenizers[work.request.request_id]
        if not token_ids and work.tokens - len(work.drafts) == request.remaining:
            self._finish(request, "error", NOT_FINITE)
            return 0
        kept = until_end(request, token_ids, self.runner.context, self.runner.is_end)
        text, drafted, taken = "", 0, 0
        while taken < len(kept) and not detokenizer.stopped:
            drafted = len(text)
            text += detokenizer.feed(kept[taken])
            taken += 1
        kept = kept[:taken]
        request.computed += taken if work.drafts else work.tokens
        request.output_ids += kept
        self.runner.blocks.seal(request)
        self.runner.blocks.trim(request)
        if not kept:
            return 0
        request.timer.received(now, taken)
        reason = end_reason(request, self.runner.context, self.runner.is_end, detokenizer.stopped)
        if reason:
            text += detokenizer.flush() if not detokenizer.stopped else ""
        spans = [(0, drafted)] if drafted else []
        self._emit(
            TokensGenerated(
                request_id=request.request_id, token_ids=kept, times=[now] * taken, text=text, draft_spans=spans
            )
        )
        if reason:
            self._finish(request, reason)
        return taken - 1

    def _refuse_misfits(self) -> None:
        """Blocks may have become fewer since a request was let in; at the head it would hold up the queue for ever."""
        while self.waiting and (reason := misfit(self.waiting[0], self.runner.context, self.runner.blocks)):
            self._finish(self.waiting.pop(0), "error", reason)

    def _end(self, request_id: str | None, reason: FinishReason, message: str = "") -> None:
        known = [*self.waiting, *self.running, *self._arrivals]
        ended = [request for request in known if request_id in (None, request.request_id) and not request.finished]
        for request in ended:
            self._finish(request, reason, message)
            if request in self.running:
                self.running.remove(request)
                self._release(request)
        self.waiting = [request for request in self.waiting if not request.finished]
        self._arrivals.keep(lambda request: not request.finished)
        self._let_go()

    def _finish(self, request: Request, reason: FinishReason, message: str = "") -> None:
        request.finished = True
        self._left.append(request.request_id)
        detokenizer = self._detokenizers.pop(request.request_id)
        metrics = request.timer.metrics(
            len(request.prompt_ids), detokenizer.characters_after_first, request.cached_tokens, request.preemptions
        )
        self._emit(RequestFinished(request_id=request.request_id, reason=reason, metrics=metrics, message=message))

    def _let_go(self) -> None:
        """Static batching holds finished rows until the last one has ended; continuous lets each go at once."""
        if self.limits.policy == "static" and any(not request.finished for request in self.running):
            return
        for request in [request for request in self.running if request.finished]:
            self.running.remove(request)
            self._release(request)

    def _preempt(self, request: Request) -> None:
        self.running.remove(request)
        request.preemptions += 1
        self._release(request)

    def _release(self, request: Request) -> None:
        self.runner.forget(request)
        self.runner.blocks.release(request)
        request.slot, request.kv_origin = None, ""

    def _close_up(self) -> None:
        """Where slots became fewer, who sat in one that is gone moves to a free one."""
        for request in self.running:
            if request.slot is not None and request.slot >= self.limits.slots:
                request.slot = min(request.slot, self._free_slot())

    def _free_slot(self) -> int:
        taken = {request.slot for request in self.running}
        return next(slot for slot in itertools.count() if slot not in taken)

    def _report(self, slots: list[SlotWork], start: float, seconds: float, kv_bytes: int) -> None:
        blocks = self.runner.blocks
        step = Step(
            index=self.step_index,
            start=start,
            seconds=seconds,
            slots=slots,
            waiting=[request.request_id for request in self.waiting],
            finished=self._left,
            preempted=self._preempted,
            blocks_used=blocks.used,
            blocks_free=blocks.free,
            blocks_cached=blocks.cached,
            kv_bytes=kv_bytes,
        )
        self._left, self._preempted = [], []
        self.step_index += 1
        self._emit(StepsExecuted(steps=[step]))
