"""Capabilities of an engine for this machine and model: every value of every toggle, and why if it is unavailable."""

from __future__ import annotations

import msgspec

from playground.protocol.conflicts import Conflict
from playground.protocol.options import CostClass


class Effects(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a value stands beside its toggle's others: -2 to 2 per figure, below zero is less. What a switch is
    expected to change is the difference of two. Not a measurement."""

    memory: int = 0
    ttft: int = 0
    tps: int = 0
    quality: int = 0


class ValueSupport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of a toggle: available, or the reason why not. No `effects`: they cannot be predicted."""

    value: str
    possible: bool = True
    reason: str = ""
    effects: Effects | None = None


class ToggleSupport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One toggle under one engine. `form`: which values it takes beside the listed ones (numbers, paths). `seconds`:
    what a change took on this machine before, if known."""

    name: str
    cost: CostClass
    values: list[ValueSupport]
    form: str = ""
    seconds: float | None = None

    def find(self, value: str) -> ValueSupport | None:
        """The support of a listed value, else None."""
        return next((support for support in self.values if support.value == value), None)


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The report that drives the toggle panel. `versions` names the libraries that the worker found, `conflicts` the
    pairs of values that this engine refuses. `empties_prefix_cache`: whether `ResetPrefixCache` does;
    `ignores_eos`: whether requests can ask for that."""

    engine: str
    devices: list[str] = []
    toggles: list[ToggleSupport] = []
    versions: dict[str, str] = {}
    conflicts: list[Conflict] = []
    empties_prefix_cache: bool = True
    ignores_eos: bool = True

    def toggle(self, name: str) -> ToggleSupport | None:
        """The report of one toggle."""
        return next((toggle for toggle in self.toggles if toggle.name == name), None)
