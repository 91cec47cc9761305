"""Actions of a replay, on the screens that show what was recorded."""

from __future__ import annotations

from functools import partial

from playground.preset import ScreenName
from playground.tui.actions import action

SCREENS: tuple[ScreenName, ...] = ("playground", "batching", "compare", "inside")
Action = partial(action.Action, screens=SCREENS, place="replay", priority=False)
ACTIONS = (
    Action("replay_pause", "space", "Pause, play", "Hold it, or go on; after its end, play it again", priority=True),
    Action("replay_back", "left", "Jump, step", "5 s back or on; while paused, → is the next step of the engine"),
    Action("replay_forward", "right", "", "", footer=False),
    Action("replay_faster", "plus,equals_sign", "Speed", "Faster or slower"),
    Action("replay_slower", "minus", "", "", footer=False),
)
