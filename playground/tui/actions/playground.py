"""Actions of the Playground screen."""

from __future__ import annotations

from functools import partial

from playground.tui.actions import action
from playground.tui.actions.blocked import (
    cannot_flip,
    measuring,
    not_ours,
    not_several,
    nothing_runs,
    nothing_to_mend,
    replay,
)

Action = partial(action.Action, screens=("playground",))
ACTIONS = (
    Action("send", "enter", "Send", "Send the prompt; another may run already", measuring, "prompt", bound=False),
    Action("newline", "ctrl+j", "New line", "A new line in the prompt", replay, "prompt", bound=False, footer=False),
    Action(
        "delete_word",
        "alt+backspace,alt+w",
        "Delete word",
        "The word to the left; Alt+D, that to the right",
        replay,
        "prompt",
        bound=False,
        footer=False,
    ),
    Action(
        "delete_line",
        "alt+k",
        "Delete rest",
        "From here to the end of the line; ^U, to its start",
        replay,
        "prompt",
        bound=False,
        footer=False,
    ),
    Action(
        "undo", "ctrl+z", "Undo", "Take back what was typed or deleted", replay, "prompt", bound=False, footer=False
    ),
    Action("stop", "escape", "Stop", "Stop the newest request, or the load", nothing_runs, priority=False),
    Action("talk", "ctrl+t", "Talk", "Open the microphone, or close it: the words go to the prompt", replay),
    Action("voice", "f9", "Voice", "Microphone, recogniser, and what was left out of the transcript", footer=False),
    Action(
        "flip_weights",
        "ctrl+w",
        "int8",
        "Weights: int8 or as the model has them",
        cannot_flip("weights"),
        eight_bits="weights",
    ),
    Action("flip_attention", "ctrl+f", "Flash", "Attention: FlashAttention or eager", cannot_flip("attention")),
    Action(
        "flip_kv_cache",
        "ctrl+k",
        "KV int8",
        "KV cache: int8 or as the model has it",
        cannot_flip("kv_cache"),
        eight_bits="kv_cache",
    ),
    Action("toggles", "ctrl+g", "Toggles", "Go to the toggles, and open them where they are folded"),
    Action("model", "ctrl+o", "Model", "Load another checkpoint", not_ours),
    Action("chat", "f8", "Base/chat", "Continue the text, or answer through the chat template", replay, footer=False),
    Action("sampling", "ctrl+s", "Sampling", "Longer answers, EOS, temperature: from the next prompt on", replay),
    Action("new", "ctrl+n", "New", "Begin a new conversation", replay, footer=False),
    Action(
        "rebuild", "", "Rebuild KV", "Compute again what went through a coarser KV cache", nothing_to_mend, footer=False
    ),
    Action("stop_all", "", "Stop all", "Stop every request", not_several, footer=False),
    Action("choose_row", "up", "Toggle", "Another toggle", place="toggles", bound=False, footer=False),
    Action("choose_value", "left", "Value", "Another value of this toggle", replay, "toggles", bound=False),
    Action("apply", "enter", "Apply", "Switch to this value, on what is running", replay, "toggles", bound=False),
    Action("enter_value", "e", "Type", "Type a value", replay, "toggles", bound=False),
    Action("board_look", "left", "Cell", "What a cell holds", place="batch", bound=False),
    Action("board_pause", "space", "Pause", "Hold the board still; it goes on collecting", replay, "batch", False),
    Action("board_zoom", "plus", "Zoom", "More or fewer steps in a column", place="batch", bound=False),
    Action(
        "maximize", "z", "Maximize", "This panel alone, and back; Tab leaves the prompt", priority=False, footer=False
    ),
)
