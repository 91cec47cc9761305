"""One editable field of a profile: its name, the values it offers, how it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

Read = Callable[[str], object]


class Field(NamedTuple):
    """One field of a struct, the profile. `label` has a `{}` for the value; `write` is the inverse of `read`."""

    name: str
    label: str
    choices: tuple[str, ...]
    form: str
    read: Read
    write: Callable[[Any], str] = str

    def text(self, profile: Any) -> str:
        """The value as it is typed."""
        return self.write(getattr(profile, self.name))

    def set(self, profile: Any, text: str) -> Any:
        """The profile with this field set to what was typed; raises `ValueError`."""
        return msgspec.structs.replace(profile, **{self.name: self.read(text.strip())})

    def step(self, profile: Any, by: int) -> Any:
        """The profile with the previous or next choice; a typed value counts as before the first."""
        text = self.text(profile)
        if not self.choices:
            return profile
        at = self.choices.index(text) + by if text in self.choices else 0
        return self.set(profile, self.choices[at % len(self.choices)])


def number(name: str, low: int, high: int) -> tuple[str, Read]:
    """The form and the reader of a whole number."""
    form = f"a number from {low} to {high}"

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"{name} cannot be {text!r}; it takes {form}")
        return int(text)

    return form, read
