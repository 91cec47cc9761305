"""Actions of every screen."""

from __future__ import annotations

from playground.tui.actions.action import Action
from playground.tui.actions.blocked import healthy, replay

BEFORE = (
    Action("help", "f1", "Help", "Keys, and the formula of every number"),
    Action("palette", "ctrl+p", "Palette", "Find any action by name"),
)
AFTER = (
    Action("restart", "ctrl+y", "Restart", "Restart the engine with the same model and options", healthy),
    Action("record", "ctrl+r", "Record", "Record this session, or end the recording", replay),
    Action("log", "ctrl+l", "Log", "What the engine printed", footer=False),
    Action("picture", "", "Picture", "Save a picture of the screen, as SVG", footer=False),
    Action("theme", "", "Theme", "Change the colours", footer=False),
    Action("quit", "ctrl+q", "Quit", "Leave, and end the engine"),
)
SCREENS = (
    Action("screen_playground", "f2,1", "Playground", "Prompt, toggles, speed", priority=False),
    Action("screen_batching", "f3,2", "Batching", "Static and continuous on the same load", priority=False),
    Action("screen_compare", "f4,3", "Compare", "One prompt under two option sets", priority=False),
    Action("screen_bench", "f5,4", "Bench", "Quality, speed and memory of option sets", priority=False),
    Action("screen_inside", "f6,5", "Inside", "Outliers, attention, weights against KV, roofline", priority=False),
    Action("screen_history", "f7,6", "History", "Every run, filtered, compared, exported", priority=False),
)
