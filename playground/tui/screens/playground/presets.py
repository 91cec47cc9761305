"""Applies presets to the Playground screen: at its start, and whenever one is chosen."""

from __future__ import annotations

from playground.preset import Preset
from playground.toml_file import ConfigError
from playground.tui.screens.base import BaseScreen
from playground.tui.screens.panels import Panels
from playground.tui.screens.playground.view import PlaygroundView
from playground.tui.session import NotNow
from playground.tui.setups import apply_preset
from playground.tui.widgets.notice import Notice


class Presets:
    """Options, sampling and model go through the session, prompts and view through the widgets."""

    def __init__(self, screen: BaseScreen, view: PlaygroundView, panels: Panels) -> None:
        self._screen, self._view, self._panels = screen, view, panels

    def show(self, preset: Preset) -> None:
        """Offer its prompts and show its view."""
        self._view.prompts.propose(preset.prompts)
        self._view.numbers.enlarge(preset.view.big_numbers)
        self._panels.show(preset.view.maximized)
        if preset.view.screen != self._screen.NAME:
            self._screen.app.switch_mode(preset.view.screen)

    def choose(self, preset: Preset | ConfigError) -> None:
        """Apply it, or say what is wrong with its file."""
        if isinstance(preset, ConfigError):
            self._screen.query_one(Notice).say(str(preset), bad=True)
        else:
            self._screen.run_worker(self._apply(preset))

    async def _apply(self, preset: Preset) -> None:
        notice = self._screen.query_one(Notice)
        try:
            line = await apply_preset(self._screen.session, preset)
        except NotNow as error:
            notice.say(str(error))
            return
        self.show(preset)
        self._screen.show()
        notice.say(line)
