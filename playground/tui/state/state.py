"""Everything that the screens show: a fold over commands and events, live or replayed. Knows nothing of Textual."""

from __future__ import annotations

from typing import Literal

import msgspec

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import BeginConversation, Command, LoadModel, SetOptions, Submit
from playground.protocol.comparison import ComparisonAdvanced
from playground.protocol.events import (
    Failed,
    LoadCancelled,
    MemoryMeasured,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    RequestQueued,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.fault import with_advice
from playground.protocol.machine import MachineSampled
from playground.protocol.metrics import Memory
from playground.protocol.model_facts import ModelFacts
from playground.protocol.server import ServerMeasured
from playground.protocol.speech_events import TranscriptFinished
from playground.protocol.steps import Step
from playground.protocol.wire import AnyCommand, AnyEvent
from playground.tui.state.changes import Changes
from playground.tui.state.clock import EngineClock
from playground.tui.state.compare import CompareState, is_run
from playground.tui.state.inside import InsideState
from playground.tui.state.kv_capacity import is_capacity_trial, of_capacity_trial
from playground.tui.state.load_runs import LoadRuns
from playground.tui.state.model_state import ModelState
from playground.tui.state.requests import Requests
from playground.tui.state.timeline import Timeline
from playground.tui.state.toggle_state import ToggleState
from playground.tui.state.voice import AGAIN, ENDED, VoiceState
from playground.tui.state.weights_answers import is_weights_trial, of_weights_trial

Status = Literal["idle", "loading", "running", "failed"]
FLOW = (TokensGenerated, StepsExecuted, MemoryMeasured, MachineSampled)


class State:
    """`add_command` and `add_event` fold; everything else is there to be read. Each of its parts is a fold of its own,
    and gets from here what concerns it."""

    def __init__(self) -> None:
        self.capabilities = Capabilities(engine="")
        self.facts: ModelFacts | None = None
        self.memory, self.machine = Memory(), MachineSampled(time=0.0)
        self.last_step: Step | None = None
        self.server: ServerMeasured | None = None
        self.replaying = False
        self.recording = ""
        self.benching = False  # set by the driver of a benchmark: meanwhile prompts and loads have to wait
        self.trial_running = False  # a trial of the Inside screen runs
        self.clock = EngineClock()
        self.model, self.toggles, self.requests = ModelState(), ToggleState(), Requests(self.clock)
        self.load, self.compare, self.inside = LoadRuns(), CompareState(), InsideState()
        self.voice, self.timeline = VoiceState(), Timeline()
        self._drawn_model = ""  # whose steps and switches are shown
        self._changes = Changes()

    @property
    def status(self) -> Status:
        """The word in the status line."""
        if self.model.loading:
            return "loading"
        if self.model.exited or self.model.load_failure:
            return "failed"
        return "running" if self.requests.unfinished or self.measuring else "idle"

    @property
    def measuring(self) -> bool:
        """Whether a load, a comparison, a benchmark or a trial uses the engine and switches it as it needs."""
        return bool(self.load.busy or self.load.running or self.compare.busy or self.benching or self.trial_running)

    def take_changes(self) -> Changes:
        """What is new since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def begin_anew(self) -> None:
        """A replay goes back: everything is folded from the start again."""
        State.__init__(self)
        self.replaying = True
        self._changes = Changes(anew=True, unloaded=True, other=True)

    def touch(self) -> None:
        """Something changed by no event."""
        self._changes.other = True

    def add(self, message: AnyCommand | AnyEvent, now: float) -> None:
        """Fold a command or event that passed at `now` on this process's clock."""
        if isinstance(message, Command):
            self.add_command(message, now)
        else:
            self.add_event(message, now)

    def add_command(self, command: AnyCommand, now: float) -> None:
        """A command was sent at `now` on this process's clock."""
        self.touch()
        self.voice.add_command(command, now)
        match command:
            case LoadModel():
                self._lose_model()
                self.model.begin_load(command)
                self.toggles.requested = command.options
            case SetOptions():
                self.toggles.begin(command, self.measuring)
            case BeginConversation():
                ended = self.requests.forget_ended()
                self._changes.forgotten |= ended if self.replaying else set()
            case Submit() if is_capacity_trial(command):
                self.inside.kv.begin(command)
            case Submit() if is_weights_trial(command):
                self.inside.weights.begin(command)
            case Submit() if not is_run(command) and not self._begin_load_run(command):
                for request in command.requests:
                    self.requests.begin(request, now, self._changes)

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
        if not (_of_trial(event) or (isinstance(event, OptionsApplied) and not self.toggles.by_user)):
            self.timeline.add_event(event)
        match event:
            case TokensGenerated():
                self.voice.add_tokens(event)
                self.requests.add_tokens(event, now, self._changes)
            case StepsExecuted():
                self._add_steps(event, now)
            case RequestQueued() | RequestFinished():
                self._follow(event)
            case MemoryMeasured() | MachineSampled() | ServerMeasured():
                self._measured(event)
            case ComparisonAdvanced():
                self.compare.add_event(event)
            case ModelLoading():
                self.model.progress = event
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

    def _follow(self, event: RequestQueued | RequestFinished) -> None:
        if isinstance(event, RequestQueued):
            self.requests.queue(event)
        else:
            self.requests.finish(event, self._changes)

    def _measured(self, event: MemoryMeasured | MachineSampled | ServerMeasured) -> None:
        match event:
            case MemoryMeasured():
                self.memory = event.memory
            case MachineSampled():
                self.machine = event
            case ServerMeasured():
                self.server = event

    def _note_voice(self, event: AnyEvent) -> None:
        if isinstance(event, TranscriptFinished):
            self._changes.transcripts.append(event)
        elif isinstance(event, Failed):
            self._changes.failures.append(event)
        elif isinstance(event, WorkerExited):
            self._changes.failures.append(Failed(where="speech", message=ENDED, advice=AGAIN))
            if self.voice.broken_off:
                self._changes.transcripts.append(self.voice.broken_off)

    def _begin_load_run(self, command: Submit) -> bool:
        return self.load.begin(command, self.capabilities.engine, self.toggles.effective.get("dtype", ""))

    def _end_load(self, event: ModelLoaded, now: float) -> None:
        self.facts, self.capabilities = event.facts, event.capabilities
        if event.facts.path != self._drawn_model:
            self._drawn_model = event.facts.path
            self._forget()
        if self.model.loading:  # a reload by a toggle is no part of a request's TTFT
            self.requests.end_load(now)
        self.model.end_load(event)

    def _cancel_load(self) -> None:
        note = self.model.cancel_load()
        self._lose_model()
        self.requests.fail_unscheduled(note, self._changes)
        if not self.model.superseded:
            self._changes.notes.append(note)

    def _forget(self) -> None:
        """Another model is loaded: what was drawn of the one before says nothing about it."""
        self.timeline = Timeline()
        self.toggles.forget_speed()
        self._changes.unloaded, self._changes.steps = True, []

    def _lose_model(self) -> None:
        self.facts = self.last_step = self.server = self.model.progress = None
        self.memory = Memory()
        self.requests.waiting = []
        self.toggles.lose_model()
        self.voice.forget_speed()

    def _add_steps(self, event: StepsExecuted, now: float) -> None:
        for step in event.steps:
            self.toggles.add_step(step)
            self.voice.add_step(step)
        self.requests.add_steps(event.steps)
        if event.steps:
            self.last_step = step = event.steps[-1]
            peak = max(self.memory.kv_peak, *(each.kv_bytes for each in event.steps), 0)
            self.memory = msgspec.structs.replace(self.memory, kv_used=step.kv_bytes, kv_peak=peak)
            self.clock.arrived(now, step.start + step.seconds)
        if not _of_trial(event):
            self._changes.steps += event.steps

    def _apply(self, event: OptionsApplied) -> None:
        self.toggles.apply(event)
        if event.changed:
            self.voice.forget_speed()
        self.memory, self.model.progress = event.after, None

    def _fail(self, event: Failed) -> None:
        if event.where == "Submit":
            self.requests.fail_unscheduled(with_advice(event.message, event.advice), self._changes)
            return
        self._changes.failures.append(event)
        if event.where == "LoadModel":
            self.model.fail_load(event)
            self._lose_model()
            self.requests.fail_unscheduled("the model could not be loaded", self._changes)
        elif event.where == "SetOptions":
            self.toggles.switching, self.model.progress = [], None
        elif event.where == "step":  # it may have compiled
            self.model.progress = None

    def _begin_worker(self, event: WorkerReady, now: float) -> None:
        self.model.begin_worker(event)
        self.clock.reset()
        self.clock.arrived(now, event.clock)
        self.requests.begin_worker()
        self.timeline.end()
        if self.facts is None:
            self.capabilities = event.capabilities

    def _end_worker(self, event: WorkerExited) -> None:
        self.model.end_worker(event)
        self._lose_model()
        self.timeline.end()
        self._changes.died = True


def _of_trial(event: AnyEvent) -> bool:
    """Whether an event belongs to a trial of the Inside screen, and not to what the user asked."""
    return of_capacity_trial(event) or of_weights_trial(event)
