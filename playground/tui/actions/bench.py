"""Actions of the Bench screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import no_bench, no_model, replay

Action = partial(action.Action, screens=("bench",), priority=False)
ACTIONS = (
    Action("run_suites", "r", "Run", "The ticked suites under the options of F2 Playground", no_model),
    Action("stop_suites", "escape", "Stop", "Stop; what is judged stays", no_bench),
    Action("tick_suite", "space", "Tick", "Run this suite, or do not", place="suites", bound=False),
    Action("size_suite", "left", "Size", "A smaller or larger part of it", place="suites", bound=False),
    Action("scroll_results", "up", "Scroll", "Earlier and later results", place="results", bound=False),
    Action("pareto_axis", "m", "Memory/TPS", "Quality against memory, or against TPS"),
    Action("export_report", "x", "Export", "The newest result as a file", replay),
    Action("zoom_pareto", "z", "Plot", "The plot alone, and back"),
)
