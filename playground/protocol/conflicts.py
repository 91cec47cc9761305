"""Pairs of toggle values that exclude each other, as data that an engine reports, so that a panel shows them in
advance."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from playground.protocol.options import EngineOptions, format_value


class Conflict(msgspec.Struct, frozen=True):
    """`name=value` and `other=other_value`, read in both directions. `lookup` is any `lookup:N`, `PATH` any adapter."""

    name: str
    value: str
    other: str
    other_value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}={self.value} {self._against(self.other, self.other_value)}"

    def against(self, name: str) -> str:
        """Why the value of `name`, one of the two toggles, is unavailable while the other is set."""
        other = (self.other, self.other_value) if name == self.name else (self.name, self.value)
        return f"it {self._against(*other)}"

    def _against(self, name: str, value: str) -> str:
        return f"does not go with {name}={value}: {self.reason}"


def find_conflict(options: EngineOptions, conflicts: Iterable[Conflict]) -> Conflict | None:
    """The first conflict within an option set."""
    return next((each for each in conflicts if _in(options, each)), None)


def _in(options: EngineOptions, pair: Conflict) -> bool:
    return pair.value in _spellings(options, pair.name) and pair.other_value in _spellings(options, pair.other)


def _spellings(options: EngineOptions, name: str) -> tuple[str, str]:
    """A value and its kind: the part before a colon, or PATH for an adapter."""
    value = format_value(getattr(options, name))
    return value, "PATH" if name == "adapter" and value != "off" else value.partition(":")[0]
