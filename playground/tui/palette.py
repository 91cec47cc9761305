"""The command palette, made from the action table and the presets; what is blocked is listed with its reason."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from playground.preset import Preset, load_presets
from playground.toml_file import ConfigError
from playground.tui.actions import ACTIONS, Action
from playground.tui.actions.action import Blocked
from playground.tui.actions.blocked import measuring
from playground.tui.messages import PresetChosen
from playground.tui.state.state import State


class StageProvider(Provider):
    """Knows the screen under the palette."""

    @property
    def stage(self) -> Screen[Any]:
        """The numbered screen, whatever overlays are above it."""
        return self.app.screen_stack[0]

    def unless(self, blocked: Blocked, text: str) -> str:
        """The text, or why it is not possible now."""
        state = getattr(self.stage, "state", None)
        reason = blocked(state) if isinstance(state, State) else ""
        return f"not now: {reason}" if reason else text


class ActionProvider(StageProvider):
    """Searches the actions of the screen under the palette."""

    async def discover(self) -> Hits:
        for action in self._actions():
            yield DiscoveryHit(_title(action), partial(self._do, action), help=self._help(action))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions():
            if (score := matcher.match(f"{action.label} {action.description}")) > 0:
                yield Hit(score, _title(action), partial(self._do, action), help=self._help(action))

    def _actions(self) -> list[Action]:
        here = self.app.current_mode
        actions = [action for action in ACTIONS.values() if action.place == "everywhere" and action.on(here)]
        return [action for action in actions if action.name != "palette"]

    def _help(self, action: Action) -> str:
        return self.unless(action.blocked, action.description)

    async def _do(self, action: Action) -> None:
        await self.stage.run_action(f"do('{action.name}')")


class PresetProvider(StageProvider):
    """Searches the presets: their options apply to what is running."""

    async def startup(self) -> None:
        """Read them, once each time that the palette opens."""
        self._presets = load_presets()

    async def discover(self) -> Hits:
        for name, preset in self._presets.items():
            yield DiscoveryHit(_preset_title(name, preset), partial(self._choose, preset), help=self._help(preset))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, preset in self._presets.items():
            title, summary = _preset_title(name, preset), self._help(preset)
            if (score := matcher.match(f"{title} {name} {summary}")) > 0:
                yield Hit(score, title, partial(self._choose, preset), help=summary)

    def _help(self, preset: Preset | ConfigError) -> str:
        return str(preset) if isinstance(preset, ConfigError) else self.unless(measuring, preset.summary)

    async def _choose(self, preset: Preset | ConfigError) -> None:
        if self.app.current_mode != "playground":
            await self.app.switch_mode("playground")
        self.stage.post_message(PresetChosen(preset))


def _preset_title(name: str, preset: Preset | ConfigError) -> str:
    return f"Preset  {preset.title if isinstance(preset, Preset) else name}"


def _title(action: Action) -> str:
    return f"{action.label}  {action.shown_key}".rstrip()
