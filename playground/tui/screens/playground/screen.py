"""The Playground screen: prompt, transcript, toggles, speed, memory and the batching board."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from playground.preset import Preset
from playground.tui.actions import Place, ScreenName, bindings
from playground.tui.messages import PresetChosen, Updated
from playground.tui.screens.base import HEIGHTS, WIDTHS, BaseScreen
from playground.tui.screens.panels import Panels
from playground.tui.screens.playground.model_loads import ModelLoads
from playground.tui.screens.playground.presets import Presets
from playground.tui.screens.playground.prompting import Prompting
from playground.tui.screens.playground.speech import Speech
from playground.tui.screens.playground.toggle_drawer import ToggleDrawer
from playground.tui.screens.playground.view import PANELS, PlaygroundView
from playground.tui.session import Session
from playground.tui.state.changes import Changes
from playground.tui.voice.voice import Voice
from playground.tui.widgets.prompt import Prompt
from playground.tui.widgets.toggle_line import ToggleLine
from playground.tui.widgets.toggle_panel import TogglePanel

PLACES: dict[str | None, Place] = {"toggles": "toggles", "batch": "batch", "prompt": "prompt"}
WITH_WIDE = [*WIDTHS, (180, "-wide")]
WITH_TALL = [*HEIGHTS, (44, "-tall")]


class PlaygroundScreen(BaseScreen):
    """Shows the state in its view, and hands the messages of widgets to the parts that handle them."""

    NAME: ClassVar[ScreenName] = "playground"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(NAME)]
    HORIZONTAL_BREAKPOINTS = WITH_WIDE
    VERTICAL_BREAKPOINTS = WITH_TALL
    AUTO_FOCUS = "#prompt"

    def __init__(self, session: Session, voice: Voice, preset: Preset | None, folders: list[Path]) -> None:
        super().__init__(session)
        self._first_preset = preset
        self._view = PlaygroundView(self.state, session.letters)
        self._panels = Panels(self, PANELS)
        self._drawer = ToggleDrawer(self, self._view.toggles, self._return)
        self._presets = Presets(self, self._view, self._panels)
        self._loads = ModelLoads(self, folders)
        self._speech = Speech(self, voice, folders)
        self._prompting = Prompting(self, self._loads, self._speech)
        self.handlers |= {
            "stop": self._stop,
            "stop_all": session.stop_all,
            "flip_weights": lambda: session.flip("weights"),
            "flip_attention": lambda: session.flip("attention"),
            "flip_kv_cache": lambda: session.flip("kv_cache"),
            "rebuild": session.rebuild,
            "toggles": self._drawer.pull,
            "model": self._loads.pick,
            "chat": session.toggle_chat,
            "sampling": self._prompting.set_sampling,
            "new": self._begin_conversation,
            "next_panel": self.focus_next,
            "maximize": self._maximize,
            "talk": self._speech.talk,
            "voice": self._speech.open_settings,
        }

    def compose(self) -> ComposeResult:
        yield from self._view.compose()

    def on_mount(self) -> None:
        """Show the preset of the command line, if there is one."""
        if self._first_preset:
            self._presets.show(self._first_preset)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Offer a prompt of another screen; look again which actions are blocked."""
        again = self.stack_updates > 0
        event.refresh_styles = event.refresh_styles and again  # fresh the first time
        self._prompting.offer_draft()
        if again:
            self.show()

    @on(Updated)
    def _updated(self, message: Updated) -> None:
        self._view.take(message.changes)
        self._report(message.changes)
        self._show(message.changes)

    def _show(self, changes: Changes) -> None:
        self._view.show(changes, self.session.conversation.chat, self.session.sampling)
        if changes.other:
            self.show_keys()

    def show(self) -> None:
        """Draw what changed without an event."""
        self._show(Changes(other=True))

    @property
    def place(self) -> Place:
        """See `BaseScreen.place`."""
        return PLACES.get(self.focused.id if self.focused else None, "everywhere")

    def _report(self, changes: Changes) -> None:
        """Show notes, transcripts and faults."""
        for note in changes.notes:
            self._view.notice.say(note)
        self._prompting.report(changes)
        for transcript in changes.transcripts:
            self._speech.take(transcript)
        self.show_faults(changes)

    @on(PresetChosen)
    def _preset_chosen(self, message: PresetChosen) -> None:
        self._presets.choose(message.preset)

    @on(ToggleLine.Pressed)
    def _line_clicked(self) -> None:
        self._drawer.pull()

    @on(Prompt.Submitted)
    def _submit(self, message: Prompt.Submitted) -> None:
        self._prompting.submit(message.text, message.shown)

    @on(Prompt.SoundDropped)
    def _sound_dropped(self, message: Prompt.SoundDropped) -> None:
        self._speech.transcribe(message.path)

    @on(TogglePanel.Chosen)
    def _switch(self, message: TogglePanel.Chosen) -> None:
        self._drawer.switch(message.candidate)

    @on(TogglePanel.Considered)
    def _consider(self) -> None:
        self._view.consider()

    @on(TogglePanel.EntryAsked)
    def _enter_value(self, message: TogglePanel.EntryAsked) -> None:
        self._drawer.enter_value(message.row)

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        if self.is_mounted and self.place != "toggles":
            self._drawer.close()

    def _return(self) -> None:
        """Go back to the prompt, with all panels; a replay has no prompt."""
        self._panels.show()
        self.set_focus(self._home)

    @property
    def _home(self) -> Prompt | None:
        return None if self.state.replaying else self.query_one(Prompt)

    def _stop(self) -> None:
        if self.state.voice.busy:
            self._speech.stop()
        elif self.state.model.loading or self.state.model.progress:
            self._loads.cancel()
        else:
            self.session.stop()

    def handle_blocked(self, name: str) -> bool:
        """Let Esc leave a panel or the toggles if there is nothing to stop."""
        if name != "stop" or (self.focused is self._home and not self._panels.alone):
            return False
        if self.place == "toggles":
            if not self._view.toggles.take_back():
                self._drawer.leave()
        elif self._panels.alone:
            self._panels.show()
        else:
            self._return()
        return True

    def _begin_conversation(self) -> None:
        self.session.begin_conversation()
        self._view.transcript.clear()
        self.query_one(Prompt).focus()
        if self.state.requests.unfinished:
            self._view.notice.say("a new conversation begins with the next prompt; what runs goes on, and Esc stops it")

    def _maximize(self) -> None:
        shown = self.focused.id if self.focused else None
        self._panels.toggle(shown if shown in PANELS else "conversation")
