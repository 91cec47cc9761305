"""Every action, once: bindings, footer, help and palette are made from this table."""

from __future__ import annotations

from textual.binding import Binding

from playground.tui.actions import batching, common, playground
from playground.tui.actions.action import PLACES, Action, Place, ScreenName
from playground.tui.state import State

__all__ = ["ACTIONS", "PLACES", "Action", "Place", "ScreenName", "bindings", "footer_actions"]

_TABLE = (*batching.ACTIONS, *common.BEFORE, *playground.ACTIONS, *common.AFTER, *common.SCREENS)
ACTIONS: dict[str, Action] = {action.name: action for action in _TABLE}


def bindings(screen: ScreenName) -> list[Binding]:
    """What a screen binds; each goes to `action_do`."""
    return [
        Binding(action.key, f"do('{action.name}')", action.label, id=action.name, priority=action.priority, show=False)
        for action in _TABLE
        if action.bound and action.key and action.on(screen)
    ]


def footer_actions(state: State, place: Place, screen: ScreenName) -> list[Action]:
    """What can be done now, here: nothing else stands in the footer."""
    here = [action for action in _TABLE if action.place in ("everywhere", place) and action.on(screen)]
    usable = [action for action in here if action.footer and not action.blocked(state)]
    return [action for action in usable if action.name != f"screen_{screen}"]
