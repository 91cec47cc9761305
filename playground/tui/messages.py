"""What the bridge tells the screens. What widgets tell their screen stands with each widget."""

from __future__ import annotations

from textual.message import Message

from playground.telemetry.snapshot import Snapshot
from playground.tui.state.changes import Changes
from playground.tui.state.state import State


class Updated(Message, bubble=False):
    """Events came in: the state as it is now, and what is new in it."""

    def __init__(self, state: State, changes: Changes) -> None:
        super().__init__()
        self.state, self.changes = state, changes


class MachineSampled(Message, bubble=False):
    """The machine was looked at; a newer look replaces an older one that waits."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, MachineSampled)
