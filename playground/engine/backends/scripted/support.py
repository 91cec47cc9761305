"""Capabilities of the engine without a model: the toggles of the loop itself, and a few that only look as if."""

from __future__ import annotations

from playground.protocol.capabilities import Capabilities, Effects, ToggleSupport, ValueSupport
from playground.protocol.options import TOGGLES

REASON = "the scripted engine has no model to change"
OFFERED = {
    "batching": ("continuous", "static"),
    "prefix_cache": ("on", "off"),
    "attention": ("auto", "eager", "sdpa-flash"),
    "kv_cache": ("model", "int8"),
}
EFFECTS = {
    "continuous": Effects(),
    "static": Effects(tps=-2, ttft=2),
    "model": Effects(),
    "int8": Effects(memory=-1, tps=-1),
}
NUMBERS = ("max_batch", "token_budget")
LIVE = (*OFFERED, *NUMBERS)


def capabilities() -> Capabilities:
    """The CPU, and the `LIVE` toggles."""
    toggles = [*map(_choice, OFFERED), *map(_number, NUMBERS), _weights()]
    return Capabilities(engine="scripted", devices=["cpu"], toggles=toggles)


def _choice(name: str) -> ToggleSupport:
    values = [ValueSupport(value=value, effects=EFFECTS.get(value)) for value in OFFERED[name]]
    return ToggleSupport(name=name, cost=TOGGLES[name].cost, values=values)


def _number(name: str) -> ToggleSupport:
    return ToggleSupport(name=name, cost=TOGGLES[name].cost, values=[], form="a number")


def _weights() -> ToggleSupport:
    others = [ValueSupport(value=value, possible=False, reason=REASON) for value in ("int8", "nf4")]
    return ToggleSupport(name="weights", cost=TOGGLES["weights"].cost, values=[ValueSupport(value="model"), *others])
