"""The data of the toggle panel: each toggle's value, the values it could take, and why not."""

from __future__ import annotations

import msgspec

from playground.protocol.capabilities import ToggleSupport, ValueSupport
from playground.protocol.conflicts import find_conflict
from playground.protocol.effective import differs
from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import TOGGLES, CostClass, Toggle, Value, as_text, format_value, with_changes
from playground.tui.state.state import State
from playground.tui.toggles.forecast import Forecast, forecast

EIGHT_BITS = ("int8", "fp8")
FLASH = ("flash_attention_3", "flash_attention_2", "sdpa-flash")
COSTS: dict[CostClass, str] = {
    "instant": "with the next step",
    "cache": "the KV cache is converted, requests go on",
    "warm-up": "with the next step, after a compile",
    "weights": "requests pause while layers are converted",
    "reload": "the model is loaded again",
}


class Row(msgspec.Struct, frozen=True):
    """One toggle: `value` is the effective one; `reason` says why it differs, `blocked` why it is unavailable."""

    name: str
    label: str
    value: str
    requested: str
    reason: str
    blocked: str

    @property
    def differs(self) -> bool:
        """See `protocol.effective.differs`."""
        return differs(self.name, self.requested, self.value)


class Candidate(msgspec.Struct, frozen=True):
    """A value that a toggle could take: its cost, the forecast of a switch to it if there is one, or the reason why it
    is not possible.
    `seconds`: what such a change took on this machine before, if that is known."""

    name: str
    value: str
    cost: CostClass
    forecast: Forecast | None
    reason: str
    seconds: float | None = None

    @property
    def parsed(self) -> Value:
        """The value in the form that `SetOptions` takes."""
        return parse_value(self.name, self.value)


def rows(state: State) -> list[Row]:
    """All toggles, in the order of the panel."""
    requested = as_text(state.toggles.requested)
    return [_row(state, toggle, requested[toggle.name]) for toggle in TOGGLES.values()]


def _row(state: State, toggle: Toggle, requested: str) -> Row:
    support = state.capabilities.toggle(toggle.name)
    engine = state.capabilities.engine
    blocked = "" if support or not engine else f"the {engine} engine does not have this toggle"
    if support and support.values and not support.form and not any(value.possible for value in support.values):
        blocked = support.values[0].reason
    return Row(
        name=toggle.name,
        label=toggle.label,
        value=state.toggles.effective.get(toggle.name, requested),
        requested=requested,
        reason=state.toggles.reasons.get(toggle.name, state.toggles.effective.get(f"{toggle.name}_facts", "")),
        blocked=blocked,
    )


def candidates(state: State, name: str) -> list[Candidate]:
    """The values that the arrow keys go through, with the requested one; none if the engine has no such toggle."""
    support, current = state.capabilities.toggle(name), format_value(getattr(state.toggles.requested, name))
    if support is None:
        return []
    values = [value.value for value in support.values] or _numbers(TOGGLES[name], current)
    if current not in values:
        values.append(current)
    return [_candidate(state, support, value) for value in values]


def candidate(state: State, name: str, value: str) -> Candidate:
    """One value, listed or typed."""
    support = state.capabilities.toggle(name) or ToggleSupport(name=name, cost=TOGGLES[name].cost, values=[])
    return _candidate(state, support, value)


def _candidate(state: State, support: ToggleSupport, value: str) -> Candidate:
    listed = support.find(value) or ValueSupport(value=value)
    reason = "" if listed.possible else listed.reason or "not possible here"
    reason = reason or _conflict(state, support.name, value)
    return Candidate(support.name, value, support.cost, forecast(state, support, value), reason, support.seconds)


def _conflict(state: State, name: str, value: str) -> str:
    """Why the value conflicts with another requested one; empty if it does not."""
    try:
        options = with_changes(state.toggles.requested, {name: parse_value(name, value)})
    except OptionError:
        return ""
    pairs = (each for each in state.capabilities.conflicts if name in (each.name, each.other))
    found = find_conflict(options, pairs)
    return found.against(name) if found else ""


def _numbers(toggle: Toggle, current: str) -> list[str]:
    """The current number and others: powers of two, or even numbers up to 10 for a threshold."""
    if toggle.high == 10:
        return [f"{number:g}" for number in sorted({0.0, 2.0, 4.0, 6.0, 8.0, 10.0, float(current)})]
    high = int(toggle.high or 1 << 16)
    powers = {1 << power for power in range(high.bit_length()) if 1 << power <= high}
    return [str(number) for number in sorted(powers | {int(current)})]


def flipped(state: State, name: str) -> tuple[Value, str]:
    """(the other of the two values of a toggle's key, why it is not possible or empty)."""
    if name == "attention":
        value = "eager" if _flashes(state) else _best_flash(state)
    else:
        value = "model" if getattr(state.toggles.requested, name) in EIGHT_BITS else eight_bits(state, name)
    if state.capabilities.toggle(name) is None:
        return value, f"the {state.capabilities.engine or 'unloaded'} engine has no {TOGGLES[name].label} toggle"
    reason = candidate(state, name, value).reason
    return value, f"{TOGGLES[name].label} cannot be {value}: {reason}" if reason else ""


def eight_bits(state: State, name: str) -> str:
    """The 8-bit value that this engine has; int8 if it has none, whose reason is then shown."""
    support = state.capabilities.toggle(name)
    possible = {value.value for value in support.values if value.possible} if support else set()
    return next((value for value in EIGHT_BITS if value in possible), "int8")


def _flashes(state: State) -> bool:
    """Whether flash attention was requested, or chosen by the engine."""
    asked = state.toggles.requested.attention
    return asked in FLASH or (asked == "auto" and "flash" in state.toggles.effective.get("attention", ""))


def _best_flash(state: State) -> str:
    support = state.capabilities.toggle("attention")
    possible = [value.value for value in support.values if value.possible] if support else []
    return next((value for value in FLASH if value in possible), "sdpa-flash")
