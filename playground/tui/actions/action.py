"""An action: its key, its words, where it works, and why it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from playground.tui.state.state import State

ScreenName = Literal["playground", "batching", "compare", "bench", "inside", "history"]
Blocked = Callable[[State], str]
PLACES = {
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
]
SHOWN = {
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
    """Nothing blocks it."""
    return ""


class Action(msgspec.Struct, frozen=True):
    """`blocked` gives the reason why it cannot be done now. Without `bound` the place itself hears the key. Without
    `screens` it is there on all of them."""

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

    def on(self, screen: str) -> bool:
        """The action is there on this screen."""
        return not self.screens or screen in self.screens

    @property
    def shown_key(self) -> str:
        """The key as the screen spells it: ^W, F1, Esc."""
        key = self.key.split(",")[0]
        if key.startswith("ctrl+"):
            return "^" + key.removeprefix("ctrl+").upper()
        return SHOWN.get(key, key.upper() if key.startswith("f") and len(key) > 1 else key)
