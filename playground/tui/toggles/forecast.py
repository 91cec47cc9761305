"""What a switch is expected to change against what runs now."""

from __future__ import annotations

import msgspec

from playground.protocol.capabilities import Effects, ToggleSupport, ValueSupport
from playground.protocol.effective import ran_as_asked
from playground.telemetry.kv_size import token_bytes
from playground.tui.state.state import State

MOST = 2


class Forecast(msgspec.Struct, frozen=True):
    """`effects`: against the effective value. `kv_factor`: KV bytes then over KV bytes now, None if unknown."""

    effects: Effects
    kv_factor: float | None = None


def forecast(state: State, support: ToggleSupport, value: str) -> Forecast | None:
    """The forecast of a switch to `value`; None if one of the two values has no known effects."""
    before, after = _running(state, support), support.find(value)
    if not (before and before.effects and after and after.effects):
        return None
    names = Effects.__struct_fields__
    changes = {name: getattr(after.effects, name) - getattr(before.effects, name) for name in names}
    effects = Effects(**{name: max(-MOST, min(MOST, change)) for name, change in changes.items()})
    return Forecast(effects, _kv_factor(state, before.value, value) if support.name == "kv_cache" else None)


def _running(state: State, support: ToggleSupport) -> ValueSupport | None:
    """The listed value that is effective, if one is; `model (from int2)` is model."""
    effective = state.toggles.effective.get(support.name, "").partition(" (")[0]
    return next((each for each in support.values if ran_as_asked(each.value, effective)), None)


def _kv_factor(state: State, now: str, value: str) -> float | None:
    # Other engines store codes in layouts of their own.
    if not state.facts or state.capabilities.engine != "transformers":
        return None
    size = state.toggles.requested.block_size
    before, after = (token_bytes(state.facts, each, size) for each in (now, value))
    return after / before if before and after else None
