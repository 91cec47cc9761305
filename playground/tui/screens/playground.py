"""Screen 1: prompt, transcript, toggles, speed, memory and the batching board."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from playground import paths
from playground.preset import Preset, View
from playground.protocol.events import TranscriptFinished
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.faults import advice, request_fault, transcript_note
from playground.tui.letters import Letters
from playground.tui.messages import MachineSampled, Updated
from playground.tui.plain_text import printable
from playground.tui.screens.stage import Stage
from playground.tui.session import NotNow, Session
from playground.tui.sound_path import sound_path
from playground.tui.state import Changes
from playground.tui.toggle_rows import candidate
from playground.tui.voice import Voice
from playground.tui.widgets.board import BatchBoard
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.numbers_column import NumbersColumn
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.prompt_bar import PromptBar
from playground.tui.widgets.status_line import StatusLine
from playground.tui.widgets.toggle_line import ToggleLine
from playground.tui.widgets.toggle_panel import TogglePanel
from playground.tui.widgets.transcript import Transcript
from playground.tui.widgets.voice_bar import VoiceBar

PANELS = ("toggles", "conversation", "speed", "memory", "switch", "batch")
MOST_SLOTS = 8


class PlaygroundScreen(Stage):
    """Hands the state down to its widgets, and what they ask for up to the session."""

    NAME: ClassVar[ScreenName] = "playground"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (110, "-normal"), (180, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-low"), (32, "-high")]
    AUTO_FOCUS = "#prompt"

    def __init__(self, session: Session, voice: Voice, preset: Preset | None, folders: list[Path]) -> None:
        super().__init__(session)
        self._voice = voice
        self._prompts, self._view = (preset.prompts, preset.view) if preset else ([], View())
        self._folders = folders
        self._letters = Letters()
        self._shown: dict[str, str] = {}
        self.deeds |= {
            "stop": self._stop,
            "stop_all": session.stop_all,
            "flip_weights": lambda: session.flip("weights"),
            "flip_attention": lambda: session.flip("attention"),
            "flip_kv_cache": lambda: session.flip("kv_cache"),
            "rebuild": session.rebuild,
            "toggles": self._open_toggles,
            "model": self._pick_model,
            "chat": session.toggle_chat,
            "new": self._begin_conversation,
            "maximize": self._maximize_focused,
            "talk": lambda: self._speech(voice.toggle()),
            "voice": self._open_voice,
        }

    def compose(self) -> ComposeResult:
        yield StatusLine(self._letters)
        yield ToggleLine(id="toggle-line")
        with Horizontal(id="body"):
            yield TogglePanel(id="toggles", classes="panel")
            yield Transcript(self._letters, id="conversation", classes="panel")
            yield NumbersColumn(self._letters, self.state, big_numbers=self._view.big_numbers)
        yield BatchBoard(self._letters, id="batch", classes="panel")
        yield Notice()
        yield VoiceBar()
        yield PromptBar(self._prompts)
        yield KeyBar()

    def on_mount(self) -> None:
        """Open as the preset says."""
        self._maximize(self._view.maximized)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Another screen may have left a prompt to be run again."""
        event.refresh_styles = event.refresh_styles and self.stack_updates > 0  # the first time they are fresh
        if self.session.draft:
            self.query_one(Prompt).offer(self.session.draft)
            self.session.draft = ""

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        changes = message.changes
        for request_id in changes.started:
            self._letters[request_id]
        board = self.query_one(BatchBoard)
        if changes.unloaded:
            board.clear()
        board.show_server(self.state.server)
        if changes.steps:
            board.add_steps(changes.steps)
        self._report(changes)
        self._show(changes)

    @on(MachineSampled)
    def _sampled(self, message: MachineSampled) -> None:
        self.query_one(NumbersColumn).sampled(message.snapshot)

    def _show(self, changes: Changes) -> None:
        """Every widget looks for itself whether it has anything to draw."""
        state = self.state
        self.query_one(StatusLine).show(state)
        self.query_one(TogglePanel).show(state)
        self.query_one(ToggleLine).show(state)
        self.query_one(BatchBoard).styles.min_height = 1 + min(state.requested.max_batch, MOST_SLOTS)
        self.query_one(Transcript).advise(advice(state))
        self.query_one(Transcript).show(state, changes)
        self.query_one(NumbersColumn).show(changes, self.query_one(TogglePanel).candidate)
        self.query_one(Notice).show(state)
        self.query_one(VoiceBar).show(state)
        self.query_one(PromptBar).show(self.session.chat)
        self.show_keys()

    def show(self) -> None:
        """Draw what changed without any event."""
        self._show(Changes())

    @property
    def place(self) -> Place:
        """See `Stage.place`."""
        places: dict[str | None, Place] = {"toggles": "toggles", "batch": "batch", "prompt": "prompt"}
        return places.get(self.focused.id if self.focused else None, "everywhere")

    def _report(self, changes: Changes) -> None:
        """Faults as one line each; a prompt that came to nothing goes back to where it was typed."""
        notice = self.query_one(Notice)
        for note in changes.notes:
            notice.say(note)
        for request_id in changes.finished:
            if fault := request_fault(self.state.requests[request_id]):
                notice.say(*fault, bad=True)
                self.query_one(Prompt).give_back(self._shown.pop(request_id, ""))
        for transcript in changes.transcripts:
            self._take_spoken(transcript)
        self.tell_faults(changes)

    @on(ToggleLine.Pressed)
    def _line_clicked(self) -> None:
        self._open_toggles()

    @on(Prompt.Submitted)
    def _submit(self, message: Prompt.Submitted) -> None:
        if not message.text.strip() and not (self.state.facts or self.state.loading or self.state.exited):
            self._load(str(paths.bundled_model()))
            return
        self.query_one(Notice).quiet()
        if path := sound_path(message.text):
            self.query_one(Prompt).taken(message.shown)
            self._speech(self._voice.transcribe(path))
            return

        def send() -> None:
            self._shown[self.session.submit(message.text)] = message.shown
            self.query_one(Prompt).taken(message.shown)

        self.attempt(send)

    @on(TogglePanel.Chosen)
    def _switch(self, message: TogglePanel.Chosen) -> None:
        chosen = message.candidate
        if chosen.reason:
            self.query_one(Notice).say(f"{chosen.name} cannot be {chosen.value}: {chosen.reason}")
        else:
            self.query_one(Notice).quiet()
            self.attempt(lambda: self.session.switch(chosen.name, chosen.parsed))

    @on(TogglePanel.Considered)
    def _consider(self) -> None:
        self.query_one(NumbersColumn).consider(self.query_one(TogglePanel).candidate)

    @on(TogglePanel.EntryAsked)
    def _enter_value(self, message: TogglePanel.EntryAsked) -> None:
        from playground.tui.screens.value_entry import ValueEntry

        def entered(value: str | None) -> None:
            if value is not None:
                self._switch(TogglePanel.Chosen(candidate(self.state, message.row.name, value)))

        self.app.push_screen(ValueEntry(message.row), entered)

    @on(TogglePanel.Left)
    def _close_toggles(self) -> None:
        self._maximize("")
        self.remove_class("-drawer")
        self.query_one(Prompt).focus()

    def _open_toggles(self) -> None:
        if self.query_one(TogglePanel).has_focus:
            self._close_toggles()
        else:
            self.add_class("-drawer")
            self.query_one(TogglePanel).focus()

    @on(Prompt.SoundDropped)
    def _sound_dropped(self, message: Prompt.SoundDropped) -> None:
        self._speech(self._voice.transcribe(message.path))

    @work
    async def _speech(self, deed: Coroutine[Any, Any, None]) -> None:
        try:
            await deed
        except NotNow as error:
            self.query_one(Notice).say(str(error))

    def _take_spoken(self, transcript: TranscriptFinished) -> None:
        """Into the prompt, to be edited and sent; a replay types nothing."""
        if transcript.text and not self.state.replaying:
            self.query_one(Prompt).add_spoken(printable(transcript.text))
            self.query_one(Prompt).focus()
        if note := transcript_note(transcript):
            self.query_one(Notice).say(note)

    def _open_voice(self) -> None:
        from playground.tui.screens.voice import VoiceScreen

        self._speech(self._voice.list_inputs())
        self.app.push_screen(VoiceScreen(self.state, self._voice, self._folders))

    def _stop(self) -> None:
        if self.state.voice.busy:
            self._speech(self._voice.stop())
        elif self.state.loading or self.state.progress:
            self._cancel_load()
        else:
            self.session.stop()

    def step_back(self, name: str) -> bool:
        """What Esc means where nothing is there to be stopped."""
        if name != "stop":
            return False
        if self.has_class("-maximized"):
            self._maximize("")
        elif not self.query_one(Prompt).has_focus:
            self.query_one(Prompt).focus()
        else:
            return False
        return True

    def _begin_conversation(self) -> None:
        self.session.begin_conversation()
        self.query_one(Transcript).clear()

    def _pick_model(self) -> None:
        from playground.tui.screens.model_picker import ModelPicker

        def picked(model: str | None) -> None:
            if model:
                self._load(model)

        self.app.push_screen(ModelPicker(self._folders), picked)

    @work
    async def _load(self, model: str) -> None:
        self.query_one(Notice).quiet()
        await self.session.load(model)

    @work
    async def _cancel_load(self) -> None:
        await self.session.bridge.cancel_load()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        if self.is_mounted and self.place != "toggles":
            self.remove_class("-drawer")

    def _maximize_focused(self) -> None:
        shown = self.focused.id if self.focused and self.focused.id in PANELS else None
        self._maximize("" if self.has_class("-maximized") else shown or "conversation")

    def _maximize(self, panel: str) -> None:
        self.set_class(bool(panel), "-maximized")
        for name in PANELS:
            self.set_class(name == panel, f"-max-{name}")
