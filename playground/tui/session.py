"""Turns what the user asks for into commands: prompts, switches, loads, recordings. Knows the bridge and no widget."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec

from playground import paths
from playground.preset import Preset
from playground.protocol.commands import (
    Abort,
    BeginConversation,
    ChatMessage,
    GenerationRequest,
    LoadModel,
    SamplingParams,
    SetOptions,
    Submit,
)
from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import DEFAULTS, TOGGLES, EngineOptions, Value, changed_names, with_changes
from playground.session.history.run import Run
from playground.session.recording import RecordingError
from playground.tui.bridge import Bridge
from playground.tui.state.request import RequestState
from playground.tui.state.state import State
from playground.tui.toggles.rows import flipped

COMPARING = "two option sets are being compared, and this would disturb it; F4, then Esc stops it"
MEASURING = "a load is being measured, and this would disturb it; F3, then Esc stops it"
BENCHING = "a benchmark runs, and this would disturb it; F5, then Esc stops it"
TRIAL_RUNNING = "what switches cost is being measured, and this would disturb it; F6, then Esc stops it"
RECORDING_NAME = "%Y-%m-%d-%H%M%S.jsonl"


class NotNow(Exception):
    """It cannot be done now; the message is one line for the user."""


class Session:
    """One conversation on one worker. `asked` is the load of the command line; its trust flags apply to every load.
    Methods raise `NotNow`."""

    def __init__(self, bridge: Bridge, asked: LoadModel, sampling: SamplingParams) -> None:
        self.bridge, self.state = bridge, bridge.state
        self.sampling, self.asked = sampling, asked
        self.draft = ""  # a prompt for the Playground screen to offer
        self._chat: bool | None = None
        self._looked_at: LoadModel | None = None  # whose `_template` is known
        self._template = False
        self._numbers = count(1)
        self._exchanges: list[str] = []

    @property
    def chat(self) -> bool:
        """Whether prompts go through the chat template; by default if the model has one."""
        return self._has_template if self._chat is None else self._chat and self._has_template

    def toggle_chat(self) -> None:
        """Change from base to chat, or back."""
        if not self._has_template:
            raise NotNow("this model has no chat template: it only continues text")
        self._chat = not self.chat

    def begin_conversation(self) -> None:
        """Forget the exchanges so far, and every request that has ended; those that run go on."""
        self._exchanges.clear()
        self.bridge.mirror(BeginConversation())

    def submit(self, text: str) -> str:
        """Send a prompt; returns the id of its request."""
        self._require_live("nothing can be run in it")
        self._require_undisturbed()
        if not text.strip():
            raise NotNow("the prompt is empty; type something first")
        if self.state.model.exited and not self.state.model.loading:
            raise NotNow("the engine is down; ^Y restarts it, and what you typed stays")
        if not (self.state.facts or self.state.model.loading):
            raise NotNow("no model is loaded; ^O picks one, and what you typed stays")
        request_id = f"r{next(self._numbers)}"
        messages = [*self._history(), ChatMessage("user", text)] if self.chat else None
        request = GenerationRequest(
            request_id=request_id, prompt=None if messages else text, messages=messages, sampling=self.sampling
        )
        if messages:
            self._exchanges.append(request_id)
        self.bridge.send(Submit(requests=[request]))
        return request_id

    def stop(self, request_id: str | None = None) -> None:
        """Abort one request, by default the newest that runs."""
        self._require_live()
        running = self.state.requests.unfinished
        if not running:
            raise NotNow("nothing runs that could be stopped")
        self.bridge.send(Abort(request_id=request_id or running[-1].request_id))

    def stop_all(self) -> None:
        """Abort every request."""
        self._require_live()
        self.bridge.send(Abort())

    def switch(self, name: str, value: Value) -> None:
        """Change one toggle; it applies to running requests."""
        self._require_live()
        self._require_undisturbed()
        if self.state.model.exited or not self.state.facts:
            raise NotNow(f"{name} changes once a model is loaded")
        self.bridge.send(SetOptions(changes={name: value}))

    def rebuild(self) -> None:
        """Compute again what went through a coarser KV cache."""
        self._require_live()
        self.bridge.send(SetOptions(changes={}, rebuild=True))

    def flip(self, name: str) -> None:
        """Switch between the two values of the toggle's key."""
        value, reason = flipped(self.state, name)
        if reason:
            raise NotNow(reason)
        self.switch(name, value)

    async def load(self, model: str, options: EngineOptions | None = None) -> None:
        """Load a checkpoint in place of the current one, with the current options or others; running requests are
        aborted first."""
        self._require_live()
        if self.state.requests.unfinished:
            self.bridge.send(Abort())
        options = options or (self.state.toggles.requested if self.state.facts else self.asked.options)
        self._exchanges.clear()
        await self.bridge.load(msgspec.structs.replace(self.asked, model=model, options=options))

    async def apply(self, preset: Preset) -> str:
        """Set a preset's options and sampling, on what is running; returns the line to show. A model that it names is
        loaded unless it is loaded already."""
        self._require_live()
        self._require_undisturbed()
        engine = self.state.capabilities.engine
        if preset.engine not in ("auto", engine or preset.engine):
            raise NotNow(f"{preset.title} is for the {preset.engine} engine, and this session is on {engine}")
        facts, now = self.state.facts, self.state.toggles.requested
        stays = {name: getattr(now, name) for name, toggle in TOGGLES.items() if toggle.cost == "reload"}
        options = preset.engine_options({name: value for name, value in stays.items() if name not in preset.options})
        if facts and preset.model in ("", facts.name, facts.path):
            if changed := changed_names(now, options):
                self.bridge.send(SetOptions(changes={name: getattr(options, name) for name in changed}))
        else:
            loading = self.state.model.loading
            await self.load(preset.model or (loading.model if loading else self.asked.model), options)
        self.sampling = preset.sampling
        return f"{preset.title}: {preset.summary}"

    async def recall(self, run: Run) -> str:
        """Restore model, options, sampling and prompt of a kept run in F2; returns the line to show."""
        self._require_live()
        self._require_undisturbed()
        if self.state.requests.unfinished:
            raise NotNow("requests run, and other options would change them; F2, then Esc stops them")
        engine = self.state.capabilities.engine
        if run.engine and engine and run.engine != engine:
            raise NotNow(f"this run was on the {run.engine} engine, and this session is on {engine}")
        try:
            changes = {name: parse_value(name, text) for name, text in run.options.items()}
        except OptionError as error:
            raise NotNow(f"the options of this run are not known here: {error}") from None
        self.draft, self._chat = run.prompt, run.chat
        self.sampling = run.sampling or self.sampling
        options = with_changes(DEFAULTS, changes)
        load = self._load_of(run, options)
        if self.state.facts and self.current_load().model == load.model:
            now = {name: getattr(options, name) for name in changed_names(self.state.toggles.requested, options)}
            if now:
                self.bridge.send(SetOptions(changes=now))
        else:
            self._exchanges.clear()
            await self.bridge.load(load)
        what = "options and sampling" if run.sampling else "options"
        return f"the {what} of that run are set; Enter runs its prompt again"

    async def restart(self) -> None:
        """Restart the worker."""
        self._require_live()
        await self.bridge.restart()

    def toggle_recording(self) -> str:
        """Record into a new file, or end the recording; returns the line to show."""
        from playground.session.recorder import Recorder

        self._require_live()
        if recorded := self.state.recording:
            self.bridge.end_recording()
            return f"recorded to {recorded}"
        path = paths.recordings_folder() / datetime.now().strftime(RECORDING_NAME)
        facts, capabilities = self.state.facts, self.state.capabilities
        try:
            recorder = Recorder(
                path,
                model=facts.path if facts else "",
                engine=capabilities.engine,
                versions=capabilities.versions,
            )
        except RecordingError as error:
            raise NotNow(str(error)) from None
        self.bridge.record(recorder)
        return f"recording to {path}"

    def require_idle(self, what: str = "a measurement") -> None:
        """Raise `NotNow` unless a model is loaded and nothing runs that `what` would disturb or be disturbed by."""
        self._require_live("nothing can be run in it")
        self._require_undisturbed()
        if self.state.model.loading or not self.state.facts:
            how = "no server is connected yet; F2, then Enter tries it" if self.asked.url else ""
            raise NotNow(how or "no model is loaded yet; F2, then ^O picks one")
        if self.state.requests.unfinished:
            raise NotNow(f"requests run in the playground, and {what} would disturb them; F2, then Esc stops them")

    def current_load(self) -> LoadModel:
        """The load that would bring another engine to the current model and options. A model must be loaded."""
        assert self.state.facts
        # A server knows its models by name; `path` is its address.
        model = self.state.facts.name if self.asked.url else self.state.facts.path
        return msgspec.structs.replace(self.asked, model=model, options=self.state.toggles.requested)

    def _load_of(self, run: Run, options: EngineOptions) -> LoadModel:
        """The load that brings back the model of a kept run."""
        if self.asked.url and "://" in run.model_path and run.model_path != self.asked.url.rstrip("/"):
            raise NotNow(f"this run was on the server {run.model_path}, and this session is on {self.asked.url}")
        model = run.model if self.asked.url else run.model_path
        return msgspec.structs.replace(self.asked, model=model, options=options)

    @property
    def _has_template(self) -> bool:
        """Whether the model, or the one being loaded, has a chat template."""
        if self.state.facts:
            return self.state.facts.has_chat_template
        loading = self.state.model.loading
        if loading and loading.url:
            return True  # a server takes messages, and has the template
        if loading and loading is not self._looked_at:
            from playground.tui.checkpoints import has_chat_template

            self._looked_at, self._template = loading, has_chat_template(Path(loading.model))
        return self._template if loading else False

    def _history(self) -> list[ChatMessage]:
        """The complete exchanges of this conversation."""
        done = [self.state.requests[request_id] for request_id in self._exchanges]
        return [turn for request in done if _is_complete(request) for turn in _turns(request)]

    def _require_undisturbed(self) -> None:
        if reason := running_measurement(self.state):
            raise NotNow(reason)

    def _require_live(self, why: str = "what was recorded cannot be changed") -> None:
        if self.state.replaying:
            raise NotNow(f"this is a replay: {why}")


def running_measurement(state: State) -> str:
    """Why the engine must not be disturbed: the measurement that runs; empty if none does."""
    if state.load.busy:
        return MEASURING
    if state.trial_running:
        return TRIAL_RUNNING
    return COMPARING if state.compare.busy else BENCHING if state.benching else ""


def _is_complete(request: RequestState) -> bool:
    return bool(request.finished and request.finished.reason in ("stop", "length") and request.text)


def _turns(request: RequestState) -> list[ChatMessage]:
    return [ChatMessage("user", request.prompt), ChatMessage("assistant", request.text)]
