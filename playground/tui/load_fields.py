"""The fields of the load form: what each is called, which values it offers, how it is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from playground.bench.load import arrivals, lengths
from playground.tui.load_profile import LoadProfile

Read = Callable[[str], object]


class Field(NamedTuple):
    """One field of `LoadProfile`. `label` has a `{}` where the value stands."""

    name: str
    label: str
    choices: tuple[str, ...]
    form: str
    read: Read

    def text(self, profile: LoadProfile) -> str:
        """The value as it is typed."""
        return str(getattr(profile, self.name))

    def set(self, profile: LoadProfile, text: str) -> LoadProfile:
        """The profile with this field as typed; raises `ValueError`."""
        return replace(profile, **{self.name: self.read(text.strip())})  # type: ignore[arg-type]

    def step(self, profile: LoadProfile, by: int) -> LoadProfile:
        """The profile with the choice before or after; a value that was typed lies before the first."""
        text = self.text(profile)
        at = self.choices.index(text) + by if text in self.choices else 0
        return self.set(profile, self.choices[at % len(self.choices)])


def _number(name: str, low: int, high: int) -> tuple[str, Read]:
    form = f"a number from {low} to {high}"

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"{name} cannot be {text!r}; it takes {form}")
        return int(text)

    return form, read


FIELDS: tuple[Field, ...] = (
    Field("requests", "{} requests", ("8", "16", "32", "64", "128", "256"), *_number("requests", 1, 1024)),
    Field(
        "arrivals",
        "arrivals {}",
        ("all", "poisson:4", "poisson:16", "burst:8", "burst:16"),
        arrivals.FORM,
        arrivals.parse_arrivals,
    ),
    Field(
        "lengths",
        "lengths {}",
        ("lognormal 16..256", "lognormal 8..64", "uniform 16..256", "fixed 64"),
        lengths.FORM,
        lengths.parse_lengths,
    ),
    Field("prompt", "prompt {}", ("16", "32", "64", "128", "512"), *_number("prompt", 1, 8192)),
    Field("shared", "prefix {} %", ("0", "25", "50", "75", "100"), *_number("shared", 0, 100)),
    Field("slots", "slots {}", ("2", "4", "8", "16", "32"), *_number("slots", 1, 64)),
    Field("seed", "seed {}", ("0", "1", "2", "3"), *_number("seed", 0, 2**31)),
)
