"""The command palette, made from the action table; blocked actions are listed with their reasons."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from playground.tui.actions import ACTIONS, Action
from playground.tui.state.state import State


class ActionProvider(Provider):
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
        state = self._state
        return [action.on_engine(state) if state else action for action in actions if action.name != "palette"]

    @property
    def _stage(self) -> Screen[Any]:
        """The numbered screen, whatever overlays are above it."""
        return self.app.screen_stack[0]

    @property
    def _state(self) -> State | None:
        """The state that this screen shows."""
        state = getattr(self._stage, "state", None)
        return state if isinstance(state, State) else None

    def _help(self, action: Action) -> str:
        reason = action.blocked(self._state) if self._state else ""
        return f"not now: {reason}" if reason else action.description

    async def _do(self, action: Action) -> None:
        await self._stage.run_action(f"do('{action.name}')")


def _title(action: Action) -> str:
    return f"{action.label}  {action.shown_key}".rstrip()
