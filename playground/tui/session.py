"""Turns what the user asks for into commands: prompts, switches, loads, recordings. Knows the bridge and no widget."""

from __future__ import annotations

from datetime import datetime
from itertools import count

import msgspec

from playground import paths
from playground.protocol.commands import (
    Abort,
    BeginConversation,
    GenerationRequest,
    LoadModel,
    SamplingParams,
    SetOptions,
    Submit,
)
from playground.protocol.options import EngineOptions, Value, changed_names
from playground.session.recording import RecordingError
from playground.tui.bridge import Bridge
from playground.tui.conversation.conversation import Conversation
from playground.tui.letters import Letters
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
        self.conversation = Conversation(self.state)
        self.letters = Letters()  # the same on every screen
        self._numbers = count(1)

    def toggle_chat(self) -> None:
        """Change from base to chat, or back."""
        if not self.conversation.has_template:
            raise NotNow("this model has no chat template: it only continues text")
        self.conversation.chat = not self.conversation.chat

    def begin_conversation(self) -> None:
        """Forget the exchanges so far, and every request that has ended; those that run go on."""
        self.conversation.clear()
        self.bridge.mirror(BeginConversation())

    def submit(self, text: str) -> str:
        """Send a prompt; returns the id of its request."""
        self.require_live("nothing can be run in it")
        self.require_undisturbed()
        if not text.strip():
            raise NotNow("the prompt is empty; type something first")
        if self.state.model.exited and not self.state.model.loading:
            raise NotNow("the engine is down; ^Y restarts it, and what you typed stays")
        if not (self.state.facts or self.state.model.loading):
            raise NotNow("no model is loaded; ^O picks one, and what you typed stays")
        request_id = f"r{next(self._numbers)}"
        messages = self.conversation.messages(text) if self.conversation.chat else None
        request = GenerationRequest(
            request_id=request_id, prompt=None if messages else text, messages=messages, sampling=self.sampling
        )
        if messages:
            self.conversation.add(request_id)
        self.bridge.send(Submit(requests=[request]))
        return request_id

    def stop(self, request_id: str | None = None) -> None:
        """Abort one request, by default the newest that runs."""
        self.require_live()
        running = self.state.requests.unfinished
        if not running:
            raise NotNow("nothing runs that could be stopped")
        self.bridge.send(Abort(request_id=request_id or running[-1].request_id))

    def stop_all(self) -> None:
        """Abort every request."""
        self.require_live()
        self.bridge.send(Abort())

    def switch(self, name: str, value: Value) -> None:
        """Change one toggle; it applies to running requests."""
        self.require_live()
        self.require_undisturbed()
        if self.state.model.exited or not self.state.facts:
            raise NotNow(f"{name} changes once a model is loaded")
        self.bridge.send(SetOptions(changes={name: value}))

    def switch_to(self, options: EngineOptions) -> None:
        """Change every toggle that these options have otherwise."""
        if changed := changed_names(self.state.toggles.requested, options):
            self.bridge.send(SetOptions(changes={name: getattr(options, name) for name in changed}))

    def rebuild(self) -> None:
        """Compute again what went through a coarser KV cache."""
        self.require_live()
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
        self.require_live()
        if self.state.requests.unfinished:
            self.bridge.send(Abort())
        options = options or (self.state.toggles.requested if self.state.facts else self.asked.options)
        self.conversation.clear()
        await self.bridge.load(msgspec.structs.replace(self.asked, model=model, options=options))

    async def restart(self) -> None:
        """Restart the worker."""
        self.require_live()
        await self.bridge.restart()

    def toggle_recording(self) -> str:
        """Record into a new file, or end the recording; returns the line to show."""
        from playground.session.recorder import Recorder

        self.require_live()
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
        self.require_live("nothing can be run in it")
        self.require_undisturbed()
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

    def require_undisturbed(self) -> None:
        """Raise `NotNow` while a measurement runs."""
        if reason := running_measurement(self.state):
            raise NotNow(reason)

    def require_live(self, why: str = "what was recorded cannot be changed") -> None:
        """Raise `NotNow` in a replay."""
        if self.state.replaying:
            raise NotNow(f"this is a replay: {why}")


def running_measurement(state: State) -> str:
    """Why the engine must not be disturbed: the measurement that runs; empty if none does."""
    if state.load.busy:
        return MEASURING
    if state.trial_running:
        return TRIAL_RUNNING
    return COMPARING if state.compare.busy else BENCHING if state.benching else ""
