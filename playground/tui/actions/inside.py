"""Actions of the Inside screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import no_model, replay
from playground.tui.state.state import State


def _not_measuring(state: State) -> str:
    measuring = state.inside.measuring or state.trial_running or state.requests.unfinished
    return replay(state) or ("" if measuring else "nothing is being measured")


Action = partial(action.Action, screens=("inside",), priority=False)
ACTIONS = (
    Action("find_outliers", "o", "Outliers", "One forward over a text: large input columns of every layer", no_model),
    Action("time_attention", "a", "Attention", "Time and memory of the kernels over lengths", no_model),
    Action("try_weights", "w", "Weights", "What int8 and nf4 cost and save here, on one prompt", no_model),
    Action("try_kv", "k", "KV", "How many requests each KV dtype really holds in the same bytes", no_model),
    Action("stop_measuring", "escape", "Stop", "Stop what is being measured", _not_measuring),
    Action(
        "lower_threshold", "left", "Threshold", "The outlier threshold half a unit lower or higher", place="outliers"
    ),
    Action("raise_threshold", "right", "", "", place="outliers", footer=False),
    Action("apply_threshold", "enter", "Apply", "This threshold for LLM.int8(), at once", no_model, "outliers"),
    Action("scroll_layers", "down", "Layers", "Other layers", place="outliers", bound=False, footer=False),
    Action("more_requests", "plus", "Requests", "KV of more or fewer requests", place="kv"),
    Action("fewer_requests", "minus", "", "", place="kv", footer=False),
    Action("zoom_inside", "z", "Maximize", "This panel alone, and back"),
)
