"""Folds commands and events into totals, live or from a recording."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from playground.protocol.commands import LoadModel, Submit
from playground.protocol.effective import differs
from playground.protocol.events import (
    Failed,
    LoadCancelled,
    MemoryMeasured,
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
)
from playground.protocol.metrics import NO_METRICS, Memory, RequestMetrics
from playground.protocol.options import DEFAULTS, EngineOptions, as_text
from playground.protocol.steps import Step
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.session.drafts import DraftCounts
from playground.session.recording import Entry


class Generated(msgspec.Struct):
    """One request so far; times are seconds of the engine's clock, one per token."""

    request_id: str
    token_ids: list[int] = msgspec.field(default_factory=list)
    times: list[float] = msgspec.field(default_factory=list)
    text: str = ""
    finished: RequestFinished | None = None

    @property
    def output_tokens(self) -> int:
        """The number of token ids; the server's own count at the end if it does not report all ids."""
        metrics = self.finished.metrics if self.finished else NO_METRICS
        return metrics.output_tokens if metrics.chunks or not self.token_ids else len(self.token_ids)

    @property
    def counted(self) -> bool:
        """Whether the number of its tokens is known; a server may send text and no count."""
        return bool(self.output_tokens or not (self.finished and self.finished.metrics.chunks))

    @property
    def served(self) -> bool:
        """It ended by itself or at its length, not by a fault or an abort."""
        return self.finished is not None and self.finished.reason in ("stop", "length")


class Fold(msgspec.Struct):
    """Everything in a summary, kept up to date entry by entry."""

    requests: dict[str, Generated] = msgspec.field(default_factory=dict)
    options: EngineOptions = DEFAULTS
    effective: dict[str, str] = msgspec.field(default_factory=dict)
    reasons: dict[str, str] = msgspec.field(default_factory=dict)
    memory: Memory | None = None
    loaded: ModelLoaded | None = None
    load_seconds: float | None = None
    failures: list[Failed] = msgspec.field(default_factory=list)
    exited: WorkerExited | None = None
    steps: int = 0
    last_step: int = -1
    slot_steps: int = 0
    busy_slot_steps: int = 0
    kv_bytes_peak: int = 0
    drafts: DraftCounts = msgspec.field(default_factory=DraftCounts)
    prefix_kept: bool = False  # set by a client that asked in vain for an empty prefix cache
    disturbed: list[str] = msgspec.field(default_factory=list)  # set by the sampler of the machine, not by an event
    _load_sent: float | None = None  # set while a load is outstanding: a switch of the dtype sends `ModelLoaded` too

    def add(self, entry: Entry) -> None:
        """Take the next command or event."""
        if entry.command is not None:
            self._add_command(entry.t, entry.command)
        if entry.event is not None:
            self._add_event(entry.t, entry.event)

    @property
    def ready(self) -> bool:
        """Whether a model is loaded and its toggles are set."""
        return self.loaded is not None and bool(self.effective)

    @property
    def metrics(self) -> list[RequestMetrics]:
        """The engine's numbers of the requests that have ended."""
        return [request.finished.metrics for request in self.requests.values() if request.finished]

    @property
    def ended(self) -> bool:
        """Whether no request is unfinished."""
        return all(request.finished for request in self.requests.values())

    def _add_command(self, t: float, command: AnyCommand) -> None:
        if isinstance(command, LoadModel):
            self._load_sent, self.options = t, command.options
            self.loaded, self.effective, self.reasons = None, {}, {}
        elif isinstance(command, Submit):
            self.requests |= {request.request_id: Generated(request.request_id) for request in command.requests}

    def _add_event(self, t: float, event: AnyEvent) -> None:
        match event:
            case ModelLoaded():
                self.loaded = event
                if self._load_sent is not None:
                    self.load_seconds, self._load_sent = t - self._load_sent, None
            case LoadCancelled():
                self._load_sent = None
                self.failures.append(Failed(where="LoadModel", message=f"the load of {event.model} was stopped"))
            case OptionsApplied():
                self.options, self.effective, self.reasons = event.requested, event.effective, event.reasons
                self.memory = event.after
            case MemoryMeasured():
                self.memory = event.memory
            case TokensGenerated():
                self._add_tokens(event)
            case RequestFinished():
                self._request(event.request_id).finished = event
            case StepsExecuted():
                for step in event.steps:
                    self._add_step(step)
            case Failed():
                if event.where == "LoadModel":
                    self._load_sent = None
                self.failures.append(event)
            case WorkerExited(role="engine"):
                self.exited = event

    def _add_tokens(self, event: TokensGenerated) -> None:
        request = self._request(event.request_id)
        request.token_ids += event.token_ids
        request.times += event.times
        request.text += event.text

    def _add_step(self, step: Step) -> None:
        self.last_step = step.index
        if step.observed:  # seen from outside a server, which does not report its steps
            return
        self.steps += 1
        self.slot_steps += len(step.slots)
        self.busy_slot_steps += sum(slot.busy for slot in step.slots)
        self.kv_bytes_peak = max(self.kv_bytes_peak, step.kv_bytes)
        self.drafts.add(step)

    def _request(self, request_id: str) -> Generated:
        return self.requests.setdefault(request_id, Generated(request_id))


def unmet(requested: EngineOptions, effective: dict[str, str], reasons: dict[str, str]) -> dict[str, str]:
    """By toggle, why it is not what was requested."""
    return {
        name: reasons.get(name, "no reason given")
        for name, value in sorted(as_text(requested).items())
        if name in effective and differs(name, value, effective[name])
    }


def span(requests: Sequence[Generated]) -> float | None:
    """Seconds from the first submission to the last token. A request was submitted its TTFT before its first token."""
    served = [request for request in requests if request.times]
    submitted = [
        request.times[0] - request.finished.metrics.ttft_s
        for request in served
        if request.finished and request.finished.metrics.ttft_s is not None
    ]
    return max(request.times[-1] for request in served) - min(submitted) if submitted else None
