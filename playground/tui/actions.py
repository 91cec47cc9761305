"""Every action, once: bindings, footer, help and palette are made from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

from playground.tui.state import State
from playground.tui.toggle_rows import flipped

Place = Literal["everywhere", "prompt", "toggles", "batch"]
Blocked = Callable[[State], str]


def _always(_: State) -> str:
    return ""


def _live(state: State) -> str:
    return "this is a replay" if state.replaying else ""


def _stoppable(state: State) -> str:
    return _live(state) or ("" if state.unfinished or state.loading else "nothing runs that could be stopped")


def _several(state: State) -> str:
    return _live(state) or ("" if len(state.unfinished) > 1 else "fewer than two requests run")


def _broken(state: State) -> str:
    return _live(state) or ("" if state.status == "failed" else "the engine is well")


def _flips(name: str) -> Blocked:
    def blocked(state: State) -> str:
        return _live(state) or ("no model is loaded" if not state.facts else flipped(state, name)[1])

    return blocked


@dataclass(frozen=True)
class Action:
    """`blocked` gives the reason why it cannot be done now. Without `bound` the place itself hears the key."""

    name: str
    key: str
    label: str
    description: str
    blocked: Blocked = _always
    place: Place = "everywhere"
    bound: bool = True
    priority: bool = True
    footer: bool = True

    @property
    def shown_key(self) -> str:
        """As the screen spells it: ^W, F1, Esc."""
        key = self.key.split(",")[0]
        names = {"escape": "Esc", "enter": "Enter", "space": "Space", "plus": "+-", "up": "↑↓", "left": "←→"}
        if key.startswith("ctrl+"):
            return "^" + key.removeprefix("ctrl+").upper()
        return names.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)


_TABLE = (
    Action("help", "f1", "Help", "Keys, and the formula of every number", priority=True),
    Action("palette", "ctrl+p", "Palette", "Find any action by name", footer=False),
    Action("send", "enter", "Send", "Send the prompt; another may run already", _live, "prompt", bound=False),
    Action("newline", "ctrl+j", "New line", "A new line in the prompt", _live, "prompt", bound=False, footer=False),
    Action("stop", "escape", "Stop", "Stop the newest request, or the load", _stoppable, priority=False),
    Action("restart", "ctrl+y", "Restart", "Restart the engine with the same model and options", _broken),
    Action("flip_weights", "ctrl+w", "int8", "Weights: int8 or as the model has them", _flips("weights")),
    Action("flip_attention", "ctrl+f", "Flash", "Attention: FlashAttention or eager", _flips("attention")),
    Action("flip_kv_cache", "ctrl+k", "KV int8", "KV cache: int8 or as the model has it", _flips("kv_cache")),
    Action("toggles", "ctrl+g", "Toggles", "Go to the toggles, and open them where they are folded"),
    Action("model", "ctrl+o", "Model", "Load another checkpoint", _live),
    Action("chat", "f8", "Base/chat", "Continue the text, or answer through the chat template", _live, footer=False),
    Action("new", "ctrl+n", "New", "Begin a new conversation", _live, footer=False),
    Action("record", "ctrl+r", "Record", "Record this session, or end the recording", _live),
    Action("log", "ctrl+l", "Log", "What the engine printed", footer=False),
    Action("stop_all", "", "Stop all", "Stop every request", _several, footer=False),
    Action("theme", "", "Theme", "Change the colours", footer=False),
    Action("quit", "ctrl+q", "Quit", "Leave, and end the engine"),
    Action("choose_row", "up", "Toggle", "Another toggle", place="toggles", bound=False, footer=False),
    Action("choose_value", "left", "Value", "Another value of this toggle", _live, "toggles", bound=False),
    Action("apply", "enter", "Apply", "Switch to this value, on what is running", _live, "toggles", bound=False),
    Action("enter_value", "e", "Type", "Type a value", _live, "toggles", bound=False),
    Action("board_pause", "space", "Pause", "Hold the board still; it goes on collecting", place="batch", bound=False),
    Action("board_zoom", "plus", "Zoom", "More or fewer steps in a column", place="batch", bound=False),
    Action("maximize", "z", "Maximize", "This panel alone, and back", priority=False, footer=False),
    Action(
        "screen_playground",
        "f2,1",
        "Playground",
        "Screen 1: prompt, toggles, speed",
        priority=False,
        footer=False,
    ),
)
ACTIONS: dict[str, Action] = {action.name: action for action in _TABLE}


def bindings() -> list[Binding]:
    """What the screen binds; each goes to `action_do`."""
    return [
        Binding(action.key, f"do('{action.name}')", action.label, id=action.name, priority=action.priority, show=False)
        for action in _TABLE
        if action.bound and action.key
    ]


def footer_actions(state: State, place: Place) -> list[Action]:
    """What can be done now, here: nothing else stands in the footer."""
    here = [action for action in _TABLE if action.place in ("everywhere", place)]
    return [action for action in here if action.footer and not action.blocked(state)]
