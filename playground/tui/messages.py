"""Messages from the bridge and the palette to the screens; those of a widget to its screen are in its class."""

from __future__ import annotations

from textual.message import Message

from playground.preset import Preset
from playground.toml_file import ConfigError
from playground.tui.state.changes import Changes
from playground.tui.state.state import State


class Updated(Message, bubble=False):
    """The state changed: the state as it is now, and what is new in it."""

    def __init__(self, state: State, changes: Changes) -> None:
        super().__init__()
        self.state, self.changes = state, changes


class PresetChosen(Message, bubble=False):
    """A preset is to be applied; or its file is wrong."""

    def __init__(self, preset: Preset | ConfigError) -> None:
        super().__init__()
        self.preset = preset
