"""The table of all actions, from which bindings, footer, help and palette are made."""

from __future__ import annotations

import msgspec
from textual.binding import Binding

from playground.preset import ScreenName
from playground.tui.actions import batching, bench, common, compare, history, inside, playground
from playground.tui.actions.action import PLACES, Action, Place
from playground.tui.state.state import State

__all__ = ["ACTIONS", "PLACES", "Action", "Place", "ScreenName", "bindings", "footer_actions"]

_TABLE = (
    *batching.ACTIONS,
    *compare.ACTIONS,
    *bench.ACTIONS,
    *inside.ACTIONS,
    *history.ACTIONS,
    *common.BEFORE,
    *playground.ACTIONS,
    *common.AFTER,
    *common.SCREENS,
)
ACTIONS: dict[str, Action] = {action.name: action for action in _TABLE}


def bindings(screen: ScreenName) -> list[Binding]:
    """The bindings of a screen, all to `action_do`. Function keys have priority over a text field's own bindings."""
    return [
        Binding(key, f"do('{action.name}')", action.label, id=action.name, priority=_first(action, key), show=False)
        for action in _TABLE
        for key in action.key.split(",")
        if action.bound and key and action.on(screen)
    ]


def _first(action: Action, key: str) -> bool:
    return action.priority or (key.startswith("f") and len(key) > 1)


def footer_actions(state: State, place: Place, screen: ScreenName, alone: bool) -> list[Action]:
    """The actions that are possible here and now. `alone`: one panel hides the others, and Esc brings them back if it
    has nothing to stop."""
    here = [action for action in _TABLE if action.place in ("everywhere", place) and action.on(screen)]
    usable = [action for action in here if action.footer and not action.blocked(state)]
    if alone and not any(action.key == "escape" for action in usable):
        escape = next(action for action in _TABLE if action.key == "escape" and action.on(screen))
        usable.insert(0, msgspec.structs.replace(escape, label="All panels"))
    return [action for action in usable if action.name != f"screen_{screen}"]
