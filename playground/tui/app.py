"""The app: themes, modes, and the start and end of workers and history. Everything else is in the screens."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, Unpack

from textual import events
from textual.app import App
from textual.command import CommandPalette, Provider
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen

from playground import paths
from playground.config import Settings
from playground.preset import Preset
from playground.protocol.commands import SamplingParams
from playground.protocol.events import Failed
from playground.session.history.collector import Collector
from playground.session.history.history import History
from playground.session.recording import Entry
from playground.tui.actions import ACTIONS
from playground.tui.bridge import Bridge
from playground.tui.first_load import LoadFields, first_load
from playground.tui.palette import ActionProvider, PresetProvider
from playground.tui.screens.factory import ScreenFactory
from playground.tui.screens.playground.screen import PlaygroundScreen
from playground.tui.session import Session
from playground.tui.state.load_profile import run_kind
from playground.tui.terminal_input import correct, tell_alt_backspace
from playground.tui.theme_choice import ThemeProvider, add_others, begin_with
from playground.tui.voice.bridge import SpeechBridge
from playground.tui.voice.voice import Voice
from playground.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from playground.session.recorder import Recorder


class PlaygroundApp(App[None]):
    """`asked`: the fields of the first load. With `replay`, its entries are played at `speed`, without an engine."""

    TITLE = "playground"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionProvider, PresetProvider}
    DEFAULT_MODE = "playground"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["app.tcss", "screens/playground/playground.tcss"]

    def __init__(
        self,
        *,
        engine: str,
        preset: Preset | None = None,
        theme: str | None = None,
        recorder: Recorder | None = None,
        replay: Iterable[Entry] | None = None,
        speed: float = 1.0,
        settings: Settings | None = None,
        keep_history: bool = True,
        **asked: Unpack[LoadFields],
    ) -> None:
        super().__init__()
        tell_alt_backspace()
        settings = settings or Settings()
        begin_with(self, theme or settings.theme)
        self.history = History(paths.history_database(), self._history_failed)
        keep = self.history.add if keep_history and settings.history else None
        collector = Collector(keep, run_kind) if keep else None
        log = paths.log_file("engine")
        self.bridge = Bridge(engine, log, recorder=recorder, collector=collector, replay=replay, speed=speed)
        self._load = first_load(engine, settings, asked)
        self.session = Session(self.bridge, self._load, preset.sampling if preset else SamplingParams())
        self.voice = Voice(SpeechBridge(self.bridge, paths.log_file("speech")), self.bridge.state, settings.speech)
        folders = settings.model_paths()
        self._first = partial(PlaygroundScreen, self.session, self.voice, preset, folders)
        for name, screen in ScreenFactory(self.session, self.history, keep, folders).table().items():
            self.add_mode(name, screen)

    def get_default_screen(self) -> Screen[None]:
        """The Playground screen instead of an empty one; a mode of its own would parse every style twice more."""
        return self._first()

    def refresh_css(self, animate: bool = True) -> None:
        """Before there is a screen, only set the colours: parsing its styles applies them anyway."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Leave out the ANSI filter: our themes have no ANSI colours, and it costs an eighth of a frame."""
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]

    async def on_event(self, event: events.Event) -> None:
        """Correct what the terminal sent, for every field alike."""
        correct(event, self.focused if self.screen_stack else None)
        await super().on_event(event)

    def on_mount(self) -> None:
        """Queue the first load; the engine starts right after the first frame."""
        self.add_mode(self.DEFAULT_MODE, self._first)
        if not self.bridge.state.replaying:
            self.bridge.send(self._load)
        self.call_after_refresh(lambda: self.run_worker(self._start(), name="engine"))

    async def on_unmount(self) -> None:
        """End the workers and write what the history still holds."""
        await self.voice.bridge.stop()
        await self.bridge.stop()
        await asyncio.to_thread(self.history.close)

    def search_themes(self) -> None:
        """Choose a theme; the current one is marked."""
        self.push_screen(CommandPalette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def action_help_quit(self) -> None:
        """Say how to quit, when ^C is pressed and nothing is selected to be copied."""
        self.screen.query_one(Notice).say(f"{ACTIONS['quit'].shown_key} quits")

    async def _start(self) -> None:
        self.call_later(self._add_themes)
        await self.bridge.start()
        if not (self.bridge.log.exists() or self.bridge.state.replaying):
            message = f"{self.bridge.log.parent} cannot be written, so there is no log"
            self.bridge.report_fault(Failed(where="log", message=message, advice="XDG_STATE_HOME names another folder"))
        gc.enable()
        gc.freeze()  # widgets and modules live on: scanning them again held keys up for 50 ms at a time

    def _history_failed(self, line: str) -> None:
        """Called in the history's thread."""
        self.bridge.report_fault_from_thread(Failed(where="history", message=line))

    def _add_themes(self) -> None:
        """Register the other themes after the first frame, and report those that are wrong."""
        for error in add_others(self):
            self.bridge.report_fault(Failed(where="theme", message=str(error)))
