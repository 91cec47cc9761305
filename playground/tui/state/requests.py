"""The requests of this session: a fold over submissions, tokens, steps and ends."""

from __future__ import annotations

from collections.abc import Sequence

from playground.protocol.commands import GenerationRequest
from playground.protocol.events import RequestFinished, RequestQueued, TokensGenerated
from playground.protocol.metrics import NO_METRICS
from playground.protocol.steps import Step
from playground.protocol.timing import RequestTimer
from playground.tui.state.changes import Changes
from playground.tui.state.clock import EngineClock
from playground.tui.state.request import RequestState


class Requests(dict[str, RequestState]):
    """Requests by id, in the order of their submission. `waiting`: ids in the engine's queue, the front first."""

    def __init__(self, clock: EngineClock) -> None:
        super().__init__()
        self._clock = clock
        self.waiting: list[str] = []

    @property
    def unfinished(self) -> list[RequestState]:
        """Those that have not ended."""
        return [request for request in self.values() if not request.finished]

    @property
    def running(self) -> list[RequestState]:
        """Those that have a slot; the other unfinished ones wait."""
        return [each for each in self.unfinished if each.admitted and each.request_id not in self.waiting]

    def forget_ended(self) -> set[str]:
        """Let go of the texts and numbers of all that have ended; returns their ids."""
        ended = {name for name, request in self.items() if request.finished}
        for name in ended:
            del self[name]
        return ended

    def begin(self, request: GenerationRequest, now: float, changes: Changes) -> None:
        """A request is submitted at `now` on this process's clock."""
        prompt = request.messages[-1].content if request.messages else request.prompt or ""
        sent = now + request.delay_s
        begun = RequestState(
            request.request_id, prompt, bool(request.messages), sent, RequestTimer(self._clock.engine_time(sent))
        )
        self[request.request_id] = begun
        changes.started.append(begun)

    def queue(self, event: RequestQueued) -> None:
        """The engine has taken a request, and says when it was submitted."""
        if request := self.get(event.request_id):
            request.queued, request.prompt_tokens = True, event.prompt_tokens
            request.timer.submitted, request.timer.loaded = event.submitted, event.loaded

    def add_tokens(self, event: TokensGenerated, now: float, changes: Changes) -> None:
        """Tokens arrived at `now` on this process's clock; those of a load or a trial belong to none of these."""
        request = self.get(event.request_id)
        if request is None:
            return
        if event.times:
            self._clock.arrived(now, event.times[-1])
            if not request.queued:
                request.timer.submitted = self._clock.engine_time(request.sent)
        request.received(event)
        texts = changes.texts.setdefault(event.request_id, [])
        if event.draft_spans:
            at = sum(map(len, texts))
            drafts = changes.drafts.setdefault(event.request_id, [])
            drafts += [(at + start, at + end) for start, end in event.draft_spans]
        texts.append(event.text)

    def add_steps(self, steps: Sequence[Step]) -> None:
        """Note when each request is first scheduled, and who waits."""
        for step in steps:
            for work in step.slots:
                request = self.get(work.request_id or "")
                if request and work.phase != "held":
                    request.admitted = True
                    if not step.observed:
                        request.timer.started(step.start)
        if steps:
            self.waiting = steps[-1].waiting

    def finish(self, event: RequestFinished, changes: Changes) -> None:
        """A request has ended."""
        request = self.get(event.request_id)
        if request and not request.finished:
            request.finish(event)
            changes.finished.append(request)
        if event.request_id in self.waiting:
            self.waiting = [waiting for waiting in self.waiting if waiting != event.request_id]

    def fail_unscheduled(self, message: str, changes: Changes) -> None:
        """End the requests that no step has scheduled yet: the failure names none, and applies to these."""
        for request in self.unfinished:
            if request.timer.scheduled is None and request.request_id not in self.waiting:
                failed = RequestFinished(
                    request_id=request.request_id, reason="error", metrics=NO_METRICS, message=message
                )
                self.finish(failed, changes)

    def end_load(self, now: float) -> None:
        """A model is loaded at `now` on this process's clock: what waited for it was cold."""
        for request in self.unfinished:
            if not request.queued:
                request.timer.loaded = self._clock.engine_time(now)

    def begin_worker(self) -> None:
        """The engine has another clock."""
        for request in self.unfinished:
            if not request.queued:
                request.timer.submitted = self._clock.engine_time(request.sent)
