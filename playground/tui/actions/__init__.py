"""The table of all actions, from which bindings, footer, help and palette are made."""

from __future__ import annotations

import msgspec
from textual.binding import Binding

from playground.preset import ScreenName
from playground.tui.actions import batching, bench, common, compare, history, inside, playground, replay
from playground.tui.actions.action import PLACES, Action, Place
from playground.tui.state.state import State

__all__ = ["ACTIONS", "PLACES", "Action", "Place", "ScreenName", "bindings", "footer_actions", "works_at"]

_TABLE = (
    *batching.ACTIONS,
    *compare.ACTIONS,
    *bench.ACTIONS,
    *inside.ACTIONS,
    *history.ACTIONS,
    *common.BEFORE,
    *playground.ACTIONS,
    *replay.ACTIONS,
    *common.AFTER,
    *common.SCREENS,
)
TYPING = ("prompt", "filter")  # where z is a letter
ACTIONS: dict[str, Action] = {action.name: action for action in _TABLE}


def bindings(screen: ScreenName) -> list[Binding]:
    """The bindings of a screen, all to `action_do`. Function keys have priority over a text field's own bindings."""
    return [
        Binding(key, f"do('{action.name}')", action.label, id=action.name, priority=_first(action, key), show=False)
        for action in _TABLE
        for key in action.key.split(",")
        if action.bound and key and action.on(screen)
    ]


def works_at(action: Action, place: Place, replaying: bool) -> bool:
    """Whether its key works at this place; in a replay, the panel that has the focus has its own keys first."""
    if action.place != "replay":
        return action.place in ("everywhere", place)
    own = {each.key for each in _TABLE if each.place == place}
    return replaying and (action.priority or not own.intersection(action.key.split(",")))


def _first(action: Action, key: str) -> bool:
    return action.priority or (key.startswith("f") and len(key) > 1)


def footer_actions(state: State, place: Place, screen: ScreenName, alone: bool) -> list[Action]:
    """The actions that are possible here and now. `alone`: one panel hides the others, and Esc brings them back, or z
    if Esc has something to stop."""
    here = [action for action in _TABLE if works_at(action, place, state.replaying) and action.on(screen)]
    usable = [action.on_engine(state) for action in here if action.footer and not action.blocked(state)]
    stops = any(action.key == "escape" for action in usable)
    if alone and not (stops and place in TYPING):
        back = next(action for action in _TABLE if action.key == ("z" if stops else "escape") and action.on(screen))
        others = [action for action in usable if action.name != back.name]
        usable = [msgspec.structs.replace(back, label="All panels"), *others]
    return [action for action in usable if action.name != f"screen_{screen}"]
