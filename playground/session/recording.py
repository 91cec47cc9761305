"""The format of recordings: a header line, then one JSON line per command or event, with its time since the start."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Meta

from playground.protocol.commands import Command
from playground.protocol.wire import AnyCommand, AnyEvent

FORMAT = "playground-recording"
VERSION = 1

Message = AnyCommand | AnyEvent


class RecordingError(ValueError):
    """A recording cannot be written or read; the message is one line: file, line, what is wrong."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `created` is wall time (ISO 8601, UTC); `versions` names libraries; model and engine if known."""

    format: str
    version: int
    program: str = ""
    created: str = ""
    model: str = ""
    engine: str = ""
    versions: dict[str, str] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: seconds since the start, and one command or one event."""

    t: Annotated[float, Meta(ge=0)]
    command: AnyCommand | None = None
    event: AnyEvent | None = None

    def __post_init__(self) -> None:
        if (self.command is None) == (self.event is None):
            raise ValueError("a line holds one command or one event")

    @staticmethod
    def of(t: float, message: Message) -> Entry:
        """The entry of a command or event."""
        return Entry(t=t, command=message) if isinstance(message, Command) else Entry(t=t, event=message)

    @property
    def message(self) -> Message:
        """The command or event."""
        return cast(Message, self.event or self.command)
