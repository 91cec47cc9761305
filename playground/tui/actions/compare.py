"""Actions of the Compare screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import no_comparison, no_model, replay

Action = partial(action.Action, screens=("compare",), priority=False)
ACTIONS = (
    Action("run_compare", "r", "Compare", "Both option sets on the same prompt, run after run", no_model),
    Action("stop_compare", "escape", "Stop", "Stop the comparison; what was measured stays", no_comparison),
    Action("compare_form", "ctrl+g", "Fields", "Go to the option sets and the prompt", replay),
    Action("compare_field", "left", "Field", "Another field", replay, place="compare", bound=False),
    Action("compare_value", "up", "Value", "Another value", replay, place="compare", bound=False),
    Action("compare_type", "e", "Type", "Type a value", replay, place="compare", bound=False),
)
