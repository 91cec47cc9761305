"""What ends a command early: one line of what is wrong, one of what to do, and an exit code."""

from __future__ import annotations

from playground.tui import plain_text


class CommandError(Exception):
    """Something failed (exit code 1)."""

    code = 1

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.advice = message, advice

    def __str__(self) -> str:
        return one_line(self.message, self.advice)


class UsageError(CommandError):
    """The command line, or a file that it names, says something that cannot be (exit code 2)."""

    code = 2


def one_line(message: str, advice: str = "") -> str:
    """A message and its advice as one line for stderr."""
    return plain_text.one_line(f"{message}; {advice}" if advice else message)
