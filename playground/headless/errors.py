"""What ends a command early: one line of what is wrong, one of what to do, and an exit code."""

from __future__ import annotations

from playground.protocol.fault import Fault
from playground.text.plain import one_line


class CommandError(Fault):
    """Something failed (exit code 1)."""

    code = 1

    def __str__(self) -> str:
        return one_line(self.line)


class UsageError(CommandError):
    """The command line, or a file that it names, says something that cannot be (exit code 2)."""

    code = 2
