"""Actions of the History screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import measuring

Action = partial(action.Action, screens=("history",), priority=False)
ACTIONS = (
    Action("mark_run", "space", "Mark", "Mark this run, or no longer", place="runs", bound=False),
    Action("open_run", "d,enter", "Open, diff", "This run in full, or the two marked ones side by side", place="runs"),
    Action("rerun", "r", "Rerun", "Its model, options, sampling and prompt back to F2 Playground", measuring, "runs"),
    Action("tag_runs", "t", "Tag", "Words of your own on this run, or on the marked ones", place="runs"),
    Action("export_runs", "x", "Export", "The marked runs, or all that are listed, as a file", place="runs"),
    Action("filter_runs", "slash", "Filter", "Words, model:tiny, tps>100, kv_cache=int8"),
    Action("sort_runs", "s", "Sort", "By the next column", place="runs"),
    Action("reverse_runs", "S", "Reverse", "The other way round", place="runs", footer=False),
    Action("zoom_runs", "z", "Plot", "The plot alone, and back"),
    Action("leave_filter", "escape", "Table", "Back to the table, and no marks", place="filter"),
)
