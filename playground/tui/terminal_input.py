"""Corrects what terminals send before a field gets it."""

from __future__ import annotations

from enum import Enum
from typing import cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.widget import Widget
from textual.widgets import Input

from playground.text.plain import printable

WORD_LEFT = "alt+backspace", "ctrl+backspace"


class _OtherKeys(Enum):
    ALT_BACKSPACE = "alt+backspace"


def tell_alt_backspace() -> None:
    """Make Alt+Backspace a key of its own: Textual reads ^W, so a prompt that is edited would switch the weights."""
    cast(dict[str, object], ANSI_SEQUENCES_KEYS)["\x1b\x7f"] = (_OtherKeys.ALT_BACKSPACE,)


def correct(event: events.Event, focused: Widget | None) -> None:
    """Clean what is pasted: line ends come as Enter sends them, and some terminals let sequences pass. Make the keys of
    an `Input` that delete the word to the left do so: Textual deletes the one to the right."""
    if isinstance(event, events.Paste):
        event.text = printable(event.text.replace("\r\n", "\n").replace("\r", "\n"))
    elif isinstance(event, events.Key) and event.key in WORD_LEFT and isinstance(focused, Input):
        event.key = "ctrl+w"
