"""Errors that end a command early: one line of what is wrong, one of what to do."""

from __future__ import annotations

from playground.protocol.fault import Fault
from playground.text.plain import one_line


class CommandError(Fault):
    """Something failed; exit code 1."""

    def __str__(self) -> str:
        return one_line(self.line)


class UsageError(CommandError):
    """The command line, or a file that it names, is wrong; exit code 2."""
