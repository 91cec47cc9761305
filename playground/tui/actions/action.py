"""An action: its key, its texts, where it works, and why it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from playground.preset import ScreenName
from playground.tui.state.state import State
from playground.tui.toggles.rows import eight_bits

Blocked = Callable[[State], str]
PLACES = {
    "replay": "In the replay",
    "everywhere": "On this screen",
    "prompt": "In the prompt",
    "toggles": "In the toggles",
    "batch": "In the batching board",
    "load": "In the load's fields",
    "boards": "In the boards",
    "compare": "In the fields",
    "suites": "In the suites",
    "outliers": "In the outliers",
    "kv": "In the KV panel",
    "runs": "In the runs",
    "filter": "In the filter",
}
Place = Literal[
    "everywhere",
    "prompt",
    "toggles",
    "batch",
    "load",
    "boards",
    "compare",
    "suites",
    "outliers",
    "attention",
    "kv",
    "roofline",
    "runs",
    "filter",
    "replay",
]
SHOWN = {
    "backspace": "⌫",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "slash": "/",
    "plus": "+-",
    "up": "↑↓",
    "down": "↓",
    "left": "←→",
}


def always(_: State) -> str:
    """Never blocked."""
    return ""


class Action(msgspec.Struct, frozen=True):
    """`blocked` returns why it cannot be done now. If `bound` is false, the widget that has the focus binds the key
    itself. Without `screens` it is on all of them. `eight_bits`: the toggle that its key sets to an 8-bit value; the
    texts name int8."""

    name: str
    key: str
    label: str
    description: str
    blocked: Blocked = always
    place: Place = "everywhere"
    bound: bool = True
    priority: bool = True
    footer: bool = True
    screens: tuple[ScreenName, ...] = ()
    eight_bits: str = ""

    def on_engine(self, state: State) -> Action:
        """The action with the 8-bit value that the running engine has in its texts."""
        if not self.eight_bits:
            return self
        label, description = (
            text.replace("int8", eight_bits(state, self.eight_bits)) for text in (self.label, self.description)
        )
        return msgspec.structs.replace(self, label=label, description=description)

    def on(self, screen: str) -> bool:
        """Whether this screen has the action."""
        return not self.screens or screen in self.screens

    @property
    def shown_key(self) -> str:
        """The key as it is shown: ^W, F1, Esc."""
        key = self.key.split(",")[0]
        if key.startswith("ctrl+"):
            return "^" + key.removeprefix("ctrl+").upper()
        if key.startswith("alt+"):
            return f"Alt+{SHOWN.get(key.removeprefix('alt+'), key[-1].upper())}"
        return SHOWN.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)
