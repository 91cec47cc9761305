"""Every toggle under vLLM: available or why not, what a change costs, how long a restart took before."""

from __future__ import annotations

from playground.engine.backends.vllm.arguments import most_slots, most_tokens
from playground.engine.backends.vllm.support import why_not
from playground.engine.capabilities import value_support
from playground.protocol.capabilities import ToggleSupport, ValueSupport
from playground.protocol.options import TOGGLES, EngineOptions, Toggle


def report(options: EngineOptions, quantized: str, price: float | None) -> list[ToggleSupport]:
    """The support of every toggle for an engine started with `options`; `price`: seconds of a restart, if known."""
    return [_toggle(toggle, options, quantized, price) for toggle in TOGGLES.values()]


def _toggle(toggle: Toggle, options: EngineOptions, quantized: str, price: float | None) -> ToggleSupport:
    room = {"max_batch": most_slots(options), "token_budget": most_tokens(options)}.get(toggle.name)
    if room is not None:
        values = [ValueSupport(value=str(number)) for number in _powers(room)]
        more = f"a number from 1; over {room} vLLM starts anew"
        return ToggleSupport(name=toggle.name, cost="instant", values=values, form=more)
    if toggle.name == "adapter":
        reason = why_not("adapter", "PATH")  # off is all that there is, and nothing to choose
        return ToggleSupport(name=toggle.name, cost="reload", values=[value_support(toggle.name, "off", reason)])
    values = [
        value_support(toggle.name, value, why_not(toggle.name, value, quantized))
        for value in toggle.values or ("6",)[: toggle.name == "int8_threshold"]
    ]
    form = "" if values and not any(value.possible for value in values) else toggle.form
    return ToggleSupport(name=toggle.name, cost="reload", values=values, form=form, seconds=price)


def _powers(most: int) -> list[int]:
    return [1 << power for power in range(most.bit_length()) if 1 << power <= most]
