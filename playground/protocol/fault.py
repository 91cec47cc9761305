"""Errors that users read: one line of what happened, one of what to do."""

from __future__ import annotations

LOOK = "the log has the details"  # as an advice: a command names the file in its place


class Fault(Exception):
    """A request that cannot be fulfilled. As a string it is only the message, since other sentences quote it."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.advice = message, advice

    @property
    def line(self) -> str:
        """Message and advice as one line."""
        return with_advice(self.message, self.advice)


def with_advice(message: str, advice: str) -> str:
    """Message and advice, if there is any, as one line."""
    return f"{message}; {advice}" if advice else message


def error_line(error: BaseException, limit: int = 200) -> str:
    """The message of an exception on one line, at most `limit` characters, or its type if it has none. That of a
    `KeyError` is a bare name."""
    named = "unknown name " if type(error) is KeyError else ""
    return named + " ".join(str(error).split())[:limit] or type(error).__name__
