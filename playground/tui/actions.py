"""Every action, once: bindings, footer, help and palette are made from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from textual.binding import Binding

from playground.tui.session import MEASURING
from playground.tui.state import State
from playground.tui.toggle_rows import flipped

Place = Literal["everywhere", "prompt", "toggles", "batch", "load", "boards"]
ScreenName = Literal["playground", "batching"]
BOTH: tuple[ScreenName, ...] = ("playground", "batching")
Blocked = Callable[[State], str]


def _always(_: State) -> str:
    return ""


def _live(state: State) -> str:
    return "this is a replay" if state.replaying else ""


def _quiet(state: State) -> str:
    return _live(state) or (MEASURING if state.load.busy else "")


def _runnable(state: State) -> str:
    return _quiet(state) or ("" if state.facts else "no model is loaded")


def _measuring(state: State) -> str:
    return _live(state) or ("" if state.load.busy else "no load is running")


def _stoppable(state: State) -> str:
    return _live(state) or ("" if state.unfinished or state.loading else "nothing runs that could be stopped")


def _several(state: State) -> str:
    return _live(state) or ("" if len(state.unfinished) > 1 else "fewer than two requests run")


def _broken(state: State) -> str:
    return _live(state) or ("" if state.status == "failed" else "the engine is well")


def _flips(name: str) -> Blocked:
    def blocked(state: State) -> str:
        return _quiet(state) or ("no model is loaded" if not state.facts else flipped(state, name)[1])

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
    screens: tuple[ScreenName, ...] = ("playground",)

    @property
    def shown_key(self) -> str:
        """As the screen spells it: ^W, F1, Esc."""
        key = self.key.split(",")[0]
        names = {"escape": "Esc", "enter": "Enter", "space": "Space", "plus": "+-", "up": "↑↓", "left": "←→"}
        if key.startswith("ctrl+"):
            return "^" + key.removeprefix("ctrl+").upper()
        return names.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)


_BATCHING: dict[str, Any] = {"screens": ("batching",), "priority": False}
_TABLE = (
    Action("run_load", "r", "Run both", "Static, then continuous, on the same requests", _runnable, **_BATCHING),
    Action("stop_load", "escape", "Stop", "Stop the load", _measuring, **_BATCHING),
    Action("load_form", "ctrl+g", "Load", "Go to the fields of the load", _live, **_BATCHING),
    Action("zoom_panel", "z", "Maximize", "This panel alone, and back", **_BATCHING),
    Action("help", "f1", "Help", "Keys, and the formula of every number", priority=True, screens=BOTH),
    Action("palette", "ctrl+p", "Palette", "Find any action by name", footer=False, screens=BOTH),
    Action("send", "enter", "Send", "Send the prompt; another may run already", _quiet, "prompt", bound=False),
    Action("newline", "ctrl+j", "New line", "A new line in the prompt", _live, "prompt", bound=False, footer=False),
    Action("stop", "escape", "Stop", "Stop the newest request, or the load", _stoppable, priority=False),
    Action("restart", "ctrl+y", "Restart", "Restart the engine with the same model and options", _broken, screens=BOTH),
    Action("flip_weights", "ctrl+w", "int8", "Weights: int8 or as the model has them", _flips("weights")),
    Action("flip_attention", "ctrl+f", "Flash", "Attention: FlashAttention or eager", _flips("attention")),
    Action("flip_kv_cache", "ctrl+k", "KV int8", "KV cache: int8 or as the model has it", _flips("kv_cache")),
    Action("toggles", "ctrl+g", "Toggles", "Go to the toggles, and open them where they are folded"),
    Action("model", "ctrl+o", "Model", "Load another checkpoint", _quiet),
    Action("chat", "f8", "Base/chat", "Continue the text, or answer through the chat template", _live, footer=False),
    Action("new", "ctrl+n", "New", "Begin a new conversation", _live, footer=False),
    Action("record", "ctrl+r", "Record", "Record this session, or end the recording", _live, screens=BOTH),
    Action("log", "ctrl+l", "Log", "What the engine printed", footer=False, screens=BOTH),
    Action("stop_all", "", "Stop all", "Stop every request", _several, footer=False),
    Action("theme", "", "Theme", "Change the colours", footer=False, screens=BOTH),
    Action("quit", "ctrl+q", "Quit", "Leave, and end the engine", screens=BOTH),
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
        screens=BOTH,
    ),
    Action(
        "screen_batching",
        "f3,2",
        "Batching",
        "Screen 2: static and continuous on the same load",
        priority=False,
        screens=BOTH,
    ),
    Action("load_field", "left", "Field", "Another field", place="load", bound=False, screens=("batching",)),
    Action("load_value", "up", "Value", "Another value", place="load", bound=False, screens=("batching",)),
    Action("load_type", "e", "Type", "Type a value", place="load", bound=False, screens=("batching",)),
    Action("boards_look", "left", "Cell", "What a cell holds", place="boards", bound=False, screens=("batching",)),
    Action("boards_zoom", "plus", "Zoom", "A finer time axis", place="boards", bound=False, screens=("batching",)),
)
ACTIONS: dict[str, Action] = {action.name: action for action in _TABLE}


def bindings(screen: ScreenName = "playground") -> list[Binding]:
    """What a screen binds; each goes to `action_do`."""
    return [
        Binding(action.key, f"do('{action.name}')", action.label, id=action.name, priority=action.priority, show=False)
        for action in _TABLE
        if action.bound and action.key and screen in action.screens
    ]


def footer_actions(state: State, place: Place, screen: ScreenName = "playground") -> list[Action]:
    """What can be done now, here: nothing else stands in the footer."""
    here = [action for action in _TABLE if action.place in ("everywhere", place) and screen in action.screens]
    usable = [action for action in here if action.footer and not action.blocked(state)]
    return [action for action in usable if action.name != f"screen_{screen}"]
