"""The engine's own loop, one step at a time: schedule, run, sample, emit.

Knows requests, blocks and time. Knows nothing of models: a `Runner` turns planned work into token ids.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from time import perf_counter

from playground.engine.admission import Refused, check, check_name, misfit, refused
from playground.engine.arrivals import Arrivals
from playground.engine.detokenizer import Detokenizer
from playground.engine.drafting import propose_drafts
from playground.engine.ending import end_reason, finished_event, until_end
from playground.engine.request import Request
from playground.engine.runner import Runner
from playground.engine.scheduler import Limits, StepPlan, Work, schedule
from playground.engine.slots import free_slot, slot_works
from playground.engine.step_log import StepLog
from playground.protocol.commands import GenerationRequest
from playground.protocol.events import Event, FinishReason, RequestQueued, TokensGenerated
from playground.protocol.timing import RequestTimer

NOT_FINITE = "the model gave probabilities that are not finite; another dtype may help, and playground check looks why"


class EngineCore:
    """The engine loop of one loaded model: queue, schedule, run, sample, report."""

    def __init__(
        self, runner: Runner, emit: Callable[[Event], None], clock: Callable[[], float] = perf_counter
    ) -> None:
        self.runner, self._emit, self._clock = runner, emit, clock
        self.limits = Limits()
        self.loaded_at = clock()
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.kv_peak = 0
        self._arrivals = Arrivals[Request]()
        self._detokenizers: dict[str, Detokenizer] = {}
        self._numbers = itertools.count()
        self._steps = StepLog()

    @property
    def step_index(self) -> int:
        """The number of the next step."""
        return self._steps.index

    @property
    def busy(self) -> bool:
        """Whether there is work for a step now."""
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
        count = len(state.prompt_ids)
        self._emit(RequestQueued(state.request_id, submitted=arrival, loaded=timer.loaded, prompt_tokens=count))

    def adopt(self, other: EngineCore) -> None:
        """Take over another loop's requests and step count; what was computed for them is computed again."""
        other.preempt([request for request in other.running if not request.finished])
        self.waiting, self._arrivals, self._detokenizers = other.waiting, other._arrivals, other._detokenizers
        self._numbers, self._steps, self.kv_peak = other._numbers, other._steps, other.kv_peak

    def abort(self, request_id: str | None) -> None:
        """End one request, or all if None; its blocks are free before the next step, whatever the policy."""
        self._end(request_id, "abort")

    def fail(self, message: str) -> None:
        """End every request with an error that users read, including those still to arrive."""
        self._end(None, "error", message)

    def preempt(self, requests: Sequence[Request]) -> None:
        """Take the blocks of running requests; they are computed again before anything else in the queue.

        Finished rows that static batching still holds are released.
        """
        for request in requests:
            self._preempt(request)
        again = [request for request in requests if not request.finished]
        self._steps.preempted += [request.request_id for request in again]
        again.sort(key=lambda request: (request.timer.submitted or 0.0, request.order))
        self.waiting = [*again, *self.waiting]

    def step(self) -> None:
        """Schedule, run, sample, emit once."""
        self._arrive()
        self._release_finished()
        self._refuse_misfits()
        blocks = self.runner.blocks
        split = blocks.size if self.runner.splits_at_blocks else None
        propose_drafts(self.running, self.limits.drafts, self.runner.context, split)
        plan = schedule(self.waiting, self.running, self.limits, blocks)
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
        self._release_finished()
        waiting = [request.request_id for request in self.waiting]
        self._emit(self._steps.add(start, now - start, slots, waiting, blocks, kv_bytes))

    def _arrive(self) -> None:
        self.waiting += self._arrivals.due(self._clock())

    def _apply(self, plan: StepPlan, now: float) -> None:
        self.preempt(plan.preempted)
        self._close_up()
        for request in plan.admitted:
            self.waiting.remove(request)
            self.running.append(request)
            request.slot = free_slot(other.slot for other in self.running)
            cached = self.runner.blocks.adopt(request)
            # Blocks that a preempted request finds again are its own, not another request's prefix.
            request.cached_tokens = request.cached_tokens if request.preemptions else cached
        for work in plan.works:
            work.request.timer.started(now)
            self.runner.blocks.grow(work.request, work.tokens)

    def _receive(self, work: Work, token_ids: list[int], now: float) -> int:
        """Take in the new tokens of a work; returns how many of them are accepted drafts."""
        request, detokenizer = work.request, self._detokenizers[work.request.request_id]
        if not token_ids and work.tokens - len(work.drafts) == request.remaining:
            self._finish(request, "error", NOT_FINITE)
            return 0
        kept, text, drafted = self._until_end(request, token_ids, detokenizer)
        request.computed += len(kept) if work.drafts else work.tokens
        request.output_ids += kept
        self.runner.blocks.seal(request)
        self.runner.blocks.trim(request)
        if not kept:
            return 0
        request.timer.received(now, len(kept))
        reason = end_reason(request, self.runner.context, self.runner.is_end, detokenizer.stopped)
        if reason and not detokenizer.stopped:
            text += detokenizer.flush()
        self._emit(
            TokensGenerated(
                request_id=request.request_id,
                token_ids=kept,
                times=[now] * len(kept),
                text=text,
                draft_spans=[(0, drafted)] if drafted else [],
            )
        )
        if reason:
            self._finish(request, reason)
        return len(kept) - 1

    def _until_end(
        self, request: Request, token_ids: list[int], detokenizer: Detokenizer
    ) -> tuple[list[int], str, int]:
        """The ids that belong to the answer, their text, and how many characters of it come from accepted drafts: all
        but those of the last id."""
        kept, text, drafted = list[int](), "", 0
        for token_id in until_end(request, token_ids, self.runner.context, self.runner.is_end):
            if detokenizer.stopped:
                break
            drafted = len(text)
            text += detokenizer.feed(token_id)
            kept.append(token_id)
        return kept, text, drafted

    def _refuse_misfits(self) -> None:
        """End requests at the head of the queue that no longer fit, since there may be fewer blocks now than when they
        were accepted: they would hold up the queue for ever."""
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
        self._release_finished()

    def _finish(self, request: Request, reason: FinishReason, message: str = "") -> None:
        request.finished = True
        self._steps.finished.append(request.request_id)
        detokenizer = self._detokenizers.pop(request.request_id)
        self._emit(finished_event(request, detokenizer, reason, message))

    def _release_finished(self) -> None:
        """Release finished rows: with continuous batching at once, with static batching when the last one has ended."""
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
        """Move requests out of slots that no longer exist into free ones."""
        for request in self.running:
            if request.slot is not None and request.slot >= self.limits.slots:
                request.slot = min(request.slot, free_slot(other.slot for other in self.running))
