"""Actions of the Batching screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import no_load, no_model, replay

Action = partial(action.Action, screens=("batching",), priority=False)
ACTIONS = (
    Action("run_load", "r", "Run both", "Static, then continuous, on the same requests", no_model),
    Action("stop_load", "escape", "Stop", "Stop the load", no_load),
    Action("load_form", "ctrl+g", "Load", "Go to the fields of the load", replay),
    Action("zoom_panel", "z", "Maximize", "This panel alone, and back"),
    Action("next_board", "tab", "Panels", "From the fields to the boards, and back"),
    Action("load_field", "left", "Field", "Another field", replay, place="load", bound=False),
    Action("load_value", "up", "Value", "Another value", replay, place="load", bound=False),
    Action("load_type", "e", "Type", "Type a value", replay, place="load", bound=False),
    Action("boards_look", "left", "Cell", "What a cell holds", place="boards", bound=False),
    Action("boards_zoom", "plus", "Zoom", "A finer time axis", place="boards", bound=False),
)
