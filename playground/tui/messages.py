"""Messages from the bridge to the screens. Those of a widget to its screen are in the widget's class."""

from __future__ import annotations

from textual.message import Message

from playground.tui.state.changes import Changes
from playground.tui.state.state import State


class Updated(Message, bubble=False):
    """The state changed: the state as it is now, and what is new in it."""

    def __init__(self, state: State, changes: Changes) -> None:
        super().__init__()
        self.state, self.changes = state, changes
