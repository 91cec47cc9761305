"""Turns commands and events into runs: one per submission, when the last of its requests ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from playground.protocol.commands import Command, GenerationRequest, LoadModel, Submit
from playground.protocol.events import (
    MemoryMeasured,
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerReady,
)
from playground.protocol.metrics import Memory, RequestMetrics, prefix_hit
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import DEFAULTS, EngineOptions
from playground.protocol.percentiles import median_of_known
from playground.protocol.steps import Step
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.fold import Generated, span, unmet
from playground.session.history.run import TITLE, Run, disturbances, non_defaults, not_as_requested
from playground.session.recording import Message


class Submission(msgspec.Struct):
    """The requests of one command while they run."""

    kind: str
    at: float
    sent: list[GenerationRequest]
    requests: dict[str, Generated]
    kv_bytes: int = 0
    beside: int = 0
    throttled: bool = False
    other_processes: int = 0
    switched: set[str] = msgspec.field(default_factory=set)

    @property
    def ended(self) -> bool:
        """Whether all its requests have ended."""
        return all(request.finished for request in self.requests.values())

    @property
    def metrics(self) -> list[RequestMetrics]:
        """The engine's numbers of the requests that have ended."""
        return [request.finished.metrics for request in self.requests.values() if request.finished]


class Collector:
    """Calls `keep` with every run. `kind` names what a submission belongs to; empty means that it is not a run. `clock`
    is wall time."""

    def __init__(
        self, keep: Callable[[Run], None], kind: Callable[[Submit], str], clock: Callable[[], float] = time.time
    ) -> None:
        self._keep, self._kind, self._clock = keep, kind, clock
        self._running: dict[str, Submission] = {}
        self._facts: ModelFacts | None = None
        self._model, self._engine = "", ""
        self._versions: dict[str, str] = {}
        self._options: EngineOptions = DEFAULTS
        self._effective: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._memory = Memory()
        self._disturbance = (False, 0)

    def add(self, message: Message) -> None:
        """Take a command or event that passes now."""
        if isinstance(message, Command):
            self._add_command(message)
        else:
            self._add_event(message)

    def _add_command(self, command: AnyCommand) -> None:
        if isinstance(command, LoadModel):
            self._model, self._options, self._facts = command.model, command.options, None
            self._effective, self._reasons, self._memory = {}, {}, Memory()
        elif isinstance(command, Submit) and command.requests and (kind := self._kind(command)):
            requests = {request.request_id: Generated(request.request_id) for request in command.requests}
            submission = Submission(kind, self._clock(), command.requests, requests)
            self._running |= dict.fromkeys(requests, submission)
            self.add_disturbance(*self._disturbance)

    def _add_event(self, event: AnyEvent) -> None:
        match event:
            case TokensGenerated() if event.request_id in self._running:
                request = self._running[event.request_id].requests[event.request_id]
                request.token_ids += event.token_ids
                request.times += event.times
            case RequestFinished() if event.request_id in self._running:
                self._finish(event)
            case StepsExecuted() if self._running:
                for step in event.steps:
                    self._add_step(step)
            case OptionsApplied():
                self._apply(event)
            case MemoryMeasured():
                self._memory = event.memory
            case ModelLoaded():
                self._facts = event.facts
            case WorkerReady(role="engine"):
                self._engine, self._versions = event.capabilities.engine, event.capabilities.versions

    def add_disturbance(self, throttled: bool, other_processes: int) -> None:
        """Note what disturbs the engine's GPU now; may be called from a sampler's thread."""
        self._disturbance = throttled, other_processes
        for submission in list(self._running.values()):
            submission.throttled |= throttled
            submission.other_processes = max(submission.other_processes, other_processes)

    def _apply(self, event: OptionsApplied) -> None:
        self._options, self._effective, self._reasons = event.requested, event.effective, event.reasons
        self._memory = event.after
        for submission in self._running.values():
            if any(request.times for request in submission.requests.values()):
                submission.switched.update(event.changed)

    def _add_step(self, step: Step) -> None:
        working = [work.request_id for work in step.slots if work.request_id and work.busy]
        submissions = {id(each): each for name in working if (each := self._running.get(name))}
        for submission in submissions.values():
            submission.kv_bytes = max(submission.kv_bytes, step.kv_bytes)
            others = sum(name not in submission.requests for name in working)
            submission.beside = max(submission.beside, others)

    def _finish(self, event: RequestFinished) -> None:
        submission = self._running.pop(event.request_id)
        submission.requests[event.request_id].finished = event
        if submission.ended:
            self._keep(self._run(submission))

    def _run(self, submission: Submission) -> Run:
        metrics, first = submission.metrics, submission.sent[0]
        requests = list(submission.requests.values())
        seconds, tokens = span(requests), sum(request.output_tokens for request in requests)
        prompt = first.messages[-1].content if first.messages else first.prompt or ""
        more = f" + {len(requests) - 1} more" if len(requests) > 1 else ""
        return Run(
            at=submission.at,
            kind=submission.kind,
            model=self._facts.name if self._facts else self._model,
            model_path=self._facts.path if self._facts else self._model,
            engine=self._engine,
            title=" ".join(prompt[: 4 * TITLE].split())[: TITLE - len(more)] + more,
            options=non_defaults(self._options),
            effective=self._effective,
            flags=self._flags(submission),
            requests=len(requests),
            prompt_tokens=sum(each.prompt_tokens for each in metrics),
            output_tokens=tokens,
            seconds=seconds,
            ttft_s=median_of_known(each.ttft_s for each in metrics),
            tps=median_of_known(each.decode_tps for each in metrics),
            system_tps=tokens / seconds if tokens and seconds and len(requests) > 1 else None,
            memory_bytes=self._memory.peak or self._memory.process,
            kv_bytes=submission.kv_bytes or None,
            weights_bytes=self._memory.weights or None,
            versions=self._versions,
            prompt=prompt,
            chat=bool(first.messages),
            sampling=first.sampling if all(each.sampling == first.sampling for each in submission.sent) else None,
        )

    def _flags(self, submission: Submission) -> list[str]:
        """What makes the numbers of a run hard to compare."""
        metrics = submission.metrics
        cold = any(each.load_s for each in metrics)
        reused = prefix_hit(metrics)
        reasons = sorted({each.finished.reason for each in submission.requests.values() if each.finished})
        return [
            *(["cold"] if cold else []),
            *([f"prefix {round(100 * reused)} %"] if reused else []),
            *([f"beside {submission.beside}"] if submission.beside else []),
            *(f"switched {name}" for name in sorted(submission.switched)),
            *not_as_requested(unmet(self._options, self._effective, self._reasons), self._effective),
            *disturbances(submission.throttled, submission.other_processes),
            *(["preempted"] if any(each.preemptions for each in metrics) else []),
            *(reason for reason in reasons if reason in ("abort", "error")),
        ]
