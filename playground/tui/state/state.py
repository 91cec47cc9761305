"""Everything that the screens show: a fold over commands and events, live or replayed. Knows nothing of Textual."""

from __future__ import annotations

from typing import Literal

import msgspec

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.comparison import ComparisonAdvanced
from playground.protocol.events import (
    Failed,
    LoadCancelled,
    MemoryMeasured,
    ModelFacts,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    Step,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.fault import with_advice
from playground.protocol.metrics import NO_NUMBERS, Memory
from playground.protocol.options import EngineOptions
from playground.protocol.server import ServerMeasured
from playground.protocol.speech_events import TranscriptFinished
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.tui.state.changes import Changes
from playground.tui.state.clock import EngineClock
from playground.tui.state.compare import CompareState, is_run
from playground.tui.state.decode_meter import DecodeMeter
from playground.tui.state.draft_meter import DraftMeter
from playground.tui.state.inside import InsideState
from playground.tui.state.kv_capacity import is_capacity_trial
from playground.tui.state.load_runs import LoadRuns
from playground.tui.state.request import RequestState
from playground.tui.state.switch import Switch
from playground.tui.state.timeline import Timeline
from playground.tui.state.voice import VoiceState

Status = Literal["idle", "loading", "running", "failed"]
FLOW = (TokensGenerated, StepsExecuted, MemoryMeasured)


class State:
    """`add_command` and `add_event` fold; everything else is there to be read."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(engine="")
        self.facts: ModelFacts | None = None
        self.requested = EngineOptions()
        self.effective: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.loading: LoadModel | None = None
        self.progress: ModelLoading | None = None
        self.switching: list[str] = []
        self.switch: Switch | None = None
        self.requests: dict[str, RequestState] = {}
        self.waiting: list[str] = []
        self.memory = Memory()
        self.last_step: Step | None = None
        self.server: ServerMeasured | None = None
        self.load_failure: Failed | None = None
        self.fallback_model = ""  # what comes back where another load ends without a model
        self.exited: WorkerExited | None = None
        self.pid: int | None = None
        self.replaying = False
        self.recording = ""
        self.benching = False  # set by whoever drives a benchmark: meanwhile prompts and loads have to wait
        self.trial_running = False  # a trial of the Inside screen runs
        self.clock = EngineClock()
        self.load = LoadRuns()
        self.voice = VoiceState()
        self.inside = InsideState()
        self.timeline = Timeline()
        self._meter, self.drafts = DecodeMeter(), DraftMeter()
        self.compare = CompareState()
        self._changes = Changes()
        self._user_switch = True  # the newest switch by somebody, not by a measurement

    @property
    def status(self) -> Status:
        """The word in the status line."""
        if self.exited or (self.load_failure and not self.loading):
            return "failed"
        if self.loading:
            return "loading"
        return "running" if self.unfinished or self.measuring else "idle"

    @property
    def measuring(self) -> bool:
        """A load, a comparison, a benchmark or a trial uses the engine, and switches it as it needs."""
        return bool(self.load.busy or self.load.running or self.compare.busy or self.benching or self.trial_running)

    @property
    def unfinished(self) -> list[RequestState]:
        """Requests that go on, in their order."""
        return [request for request in self.requests.values() if not request.finished]

    def take_changes(self) -> Changes:
        """What is new since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def touch(self) -> None:
        """Something changed by no event."""
        self._changes.other = True

    def add_command(self, command: AnyCommand, now: float) -> None:
        """A command was sent at `now` on this process's clock."""
        self.touch()
        self.voice.add_command(command, now)
        match command:
            case LoadModel():
                self._begin_load(command)
            case SetOptions():
                self.switching, self._user_switch = list(command.changes), not self.measuring
            case Submit() if is_capacity_trial(command):
                self.inside.kv.begin(command)
            case Submit() if not is_run(command) and not self._begin_load_run(command):
                for request in command.requests:
                    self._begin_request(request, now)

    def add_event(self, event: AnyEvent, now: float) -> None:
        """An event arrived at `now` on this process's clock."""
        if not isinstance(event, FLOW):
            self.touch()
        if self.voice.try_add_event(event, now):
            self._note_voice(event)
            return
        if self.load.try_add_event(event):
            return
        self.load.add_event(event)
        self.inside.add_event(event)
        self.timeline.add_event(event)
        match event:
            case TokensGenerated():
                self._add_tokens(event, now)
            case StepsExecuted():
                self._add_steps(event, now)
            case RequestFinished():
                self._finish(event)
            case MemoryMeasured():
                self.memory = event.memory
            case ServerMeasured():
                self.server = event
            case ComparisonAdvanced():
                self.compare.add_event(event)
            case ModelLoading():
                self.progress = event
            case OptionsApplied():
                self._apply(event)
            case ModelLoaded():
                self._end_load(event, now)
            case LoadCancelled():
                self._cancel_load()
            case Failed():
                self._fail(event)
            case WorkerReady():
                self._begin_worker(event, now)
            case WorkerExited():
                self._end_worker(event)

    def _note_voice(self, event: AnyEvent) -> None:
        if isinstance(event, TranscriptFinished):
            self._changes.transcripts.append(event)
        elif isinstance(event, Failed):
            self._changes.failures.append(event)
        elif isinstance(event, WorkerExited):
            end = Failed(where="speech", message="the speech process ended unexpectedly", advice="^T starts it again")
            self._changes.failures.append(end)

    def _begin_load_run(self, command: Submit) -> bool:
        return self.load.begin(command, self.capabilities.engine, self.effective.get("dtype", ""))

    def _begin_load(self, command: LoadModel) -> None:
        self._unload()
        self.loading, self.load_failure = command, None
        self.requested = command.options

    def _end_load(self, event: ModelLoaded, now: float) -> None:
        self.facts, self.capabilities, self.fallback_model = event.facts, event.capabilities, event.facts.name
        if self.loading:  # a reload by a toggle is no part of a request's TTFT
            for request in self.unfinished:
                request.loaded = self.clock.engine_time(now)
        self.loading = self.progress = self.load_failure = None

    def _cancel_load(self) -> None:
        former, self.fallback_model = self.fallback_model, ""
        said = f"the load was stopped; {f'{former} comes back' if former else '^O picks a model'}"
        self.loading = None
        self._unload()
        self._end_unfinished(said)
        self._changes.notes.append(said)

    def _unload(self) -> None:
        self._lose_model()
        self.timeline = Timeline()
        self._changes.unloaded, self._changes.steps = True, []

    def _lose_model(self) -> None:
        self.facts = self.progress = self.switch = self.last_step = self.server = None
        self.effective, self.reasons, self.switching, self.waiting = {}, {}, [], []
        self.memory = Memory()
        self._meter, self.drafts = DecodeMeter(), DraftMeter()
        self.voice.forget_speed()

    def _begin_request(self, request: GenerationRequest, now: float) -> None:
        prompt = request.messages[-1].content if request.messages else request.prompt or ""
        sent = now + request.delay_s
        self.requests[request.request_id] = RequestState(
            request.request_id, prompt, bool(request.messages), sent, self.clock.engine_time(sent)
        )
        self._changes.started.append(request.request_id)

    def _add_tokens(self, event: TokensGenerated, now: float) -> None:
        request = self.requests.get(event.request_id)
        if request is None:
            return
        self.voice.add_tokens(event)
        if event.times:
            self.clock.arrived(now, event.times[-1])
            request.submitted = self.clock.engine_time(request.sent)
        request.received(event)
        texts = self._changes.texts.setdefault(event.request_id, [])
        if event.draft_spans:
            at = sum(map(len, texts))
            drafts = self._changes.drafts.setdefault(event.request_id, [])
            drafts += [(at + start, at + end) for start, end in event.draft_spans]
        texts.append(event.text)

    def _add_steps(self, event: StepsExecuted, now: float) -> None:
        for step in event.steps:
            self._meter.add(step)
            self.drafts.add(step)
            self.voice.add_step(step)
            for work in step.slots:
                if work.request_id in self.requests and work.phase != "held" and not step.observed:
                    self.requests[work.request_id].started(step.start)
        if event.steps:
            self.last_step = step = event.steps[-1]
            self.waiting = step.waiting
            peak = max(self.memory.kv_peak, *(each.kv_bytes for each in event.steps), 0)
            self.memory = msgspec.structs.replace(self.memory, kv_used=step.kv_bytes, kv_peak=peak)
            self.clock.arrived(now, step.start + step.seconds)
        self._changes.steps += event.steps

    def _finish(self, event: RequestFinished) -> None:
        request = self.requests.get(event.request_id)
        if request and not request.finished:
            request.finished = event
            self._changes.finished.append(event.request_id)
        if event.request_id in self.waiting:
            self.waiting = [waiting for waiting in self.waiting if waiting != event.request_id]

    def _apply(self, event: OptionsApplied) -> None:
        if event.changed:
            before, self._meter = self._meter, DecodeMeter(self._meter.contexts)
            if self._user_switch:
                idle = bool(self.effective) and event.effective == self.effective
                self.switch = Switch(event, self.requested, before, self._meter, idle)
            self.voice.forget_speed()
            if set(event.changed) != {"speculation"}:
                self.drafts = DraftMeter()
        self.requested, self.effective, self.reasons = event.requested, event.effective, event.reasons
        self.memory = event.after
        self.switching, self.progress = [], None

    def _fail(self, event: Failed) -> None:
        if event.where == "Submit":
            self._end_unfinished(with_advice(event.message, event.advice))
            return
        self._changes.failures.append(event)
        if event.where == "LoadModel":
            self.loading, self.load_failure, self.fallback_model = (
                None,
                event,
                self.fallback_model if event.kept else "",
            )
            self._unload()
            self._end_unfinished("the model could not be loaded")
        elif event.where == "SetOptions":
            self.switching, self.progress = [], None

    def _end_unfinished(self, message: str) -> None:
        """The failure names no request; it applies to those that no step has scheduled yet."""
        for request in self.unfinished:
            if request.scheduled is None and request.request_id not in self.waiting:
                failed = RequestFinished(
                    request_id=request.request_id, reason="error", metrics=NO_NUMBERS, message=message
                )
                self._finish(failed)

    def _begin_worker(self, event: WorkerReady, now: float) -> None:
        self.pid, self.exited = event.pid, None
        self.clock.reset()
        self.clock.arrived(now, event.clock)
        for request in self.unfinished:
            request.submitted = self.clock.engine_time(request.sent)
        if self.facts is None:
            self.capabilities = event.capabilities

    def _end_worker(self, event: WorkerExited) -> None:
        self.exited, self.loading, self.pid = event, None, None
        self._lose_model()
        self.timeline.end()
        self._changes.died = True
