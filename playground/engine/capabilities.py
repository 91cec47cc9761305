"""Capabilities of this machine and model: every value of every toggle, and why if it is unavailable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec

from playground.engine.backends.base import EngineError
from playground.protocol.capabilities import Effects, ToggleSupport, ValueSupport
from playground.protocol.conflicts import Conflict, find_conflict
from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import (
    TOGGLES,
    EngineOptions,
    Value,
    as_text,
    changed_names,
    format_value,
)

EFFECTS: dict[tuple[str, str], Effects] = {
    ("weights", "int8"): Effects(memory=-1, ttft=1, tps=-1, quality=-1),
    ("weights", "fp8"): Effects(memory=-1, quality=-1),
    ("weights", "nf4"): Effects(memory=-2, ttft=1, quality=-2),
    ("attention", "eager"): Effects(memory=1, ttft=2, tps=-1),
    ("attention", "sdpa-math"): Effects(memory=1, ttft=2, tps=-1),
    ("attention", "sdpa-flash"): Effects(),
    ("attention", "flash_attention_2"): Effects(),
    ("attention", "flash_attention_3"): Effects(),
    ("kv_cache", "fp8"): Effects(memory=-1, ttft=1, tps=-1, quality=-1),
    ("kv_cache", "int8"): Effects(memory=-1, ttft=1, tps=-1, quality=-1),
    ("kv_cache", "int4"): Effects(memory=-2, ttft=1, tps=-1, quality=-1),
    ("kv_cache", "int2"): Effects(memory=-2, ttft=1, tps=-1, quality=-2),
    ("batching", "static"): Effects(ttft=2, tps=-2),
    ("speculation", "lookup:4"): Effects(tps=1),
    ("prefix_cache", "off"): Effects(ttft=2),
    ("compile", "on"): Effects(tps=1),
    ("dtype", "float32"): Effects(memory=2, tps=-1, quality=1),
    ("dtype", "bfloat16"): Effects(),
    ("dtype", "float16"): Effects(),
}

FLASH_NEEDS = "FlashAttention computes in float16 or bfloat16"
# Conflicts common to all engines; each engine adds its own.
CONFLICTS = (
    Conflict("attention", "flash_attention_2", "dtype", "float32", FLASH_NEEDS),
    Conflict("attention", "flash_attention_3", "dtype", "float32", FLASH_NEEDS),
    Conflict(
        "speculation", "lookup", "batching", "static", "rows of a static batch advance together, one token a step"
    ),
    Conflict("weights", "fp8", "dtype", "float32", "fp8 weights are computed with in float16 or bfloat16"),
)


def report(why_not: Callable[[str, str], str]) -> list[ToggleSupport]:
    """The support of every toggle; `why_not(name, value)` returns why a value is unavailable, or an empty string."""
    return [
        ToggleSupport(
            name=toggle.name,
            cost=toggle.cost,
            form=toggle.form,
            values=[value_support(toggle.name, value, why_not(toggle.name, value)) for value in toggle.values],
        )
        for toggle in TOGGLES.values()
    ]


def value_support(name: str, value: str, reason: str) -> ValueSupport:
    """One value of a toggle; `reason`: why it is unavailable, empty if it is available."""
    return ValueSupport(value=value, possible=not reason, reason=reason, effects=effects(name, value))


def as_they_take(changes: Mapping[str, Value]) -> dict[str, Value]:
    """Changes as their toggles take them; raises `EngineError` for a toggle or value that does not exist."""
    try:
        parsed = {name: parse_value(name, format_value(value)) for name, value in changes.items()}
    except OptionError as error:
        raise EngineError(str(error), "the toggle panel shows what is possible") from None
    return {name: value if type(value) is type(parsed[name]) else parsed[name] for name, value in changes.items()}


def require_known(options: EngineOptions) -> None:
    """Raises `EngineError` for the first changed value that does not exist."""
    as_they_take({name: getattr(options, name) for name in changed_names(EngineOptions(), options)})


def refuse_impossible(options: EngineOptions, why_not: Callable[[str, str], str]) -> None:
    """Raises `EngineError` for the first changed value that is unavailable."""
    for name in changed_names(EngineOptions(), options):
        value = format_value(getattr(options, name))
        if reason := why_not(name, value):
            raise EngineError(f"{name}={value} is not possible: {reason}", "the toggle panel shows what is")


def refuse_conflict(options: EngineOptions, conflicts: Sequence[Conflict]) -> None:
    """Raises `EngineError` for the first two values that exclude each other."""
    if found := find_conflict(options, conflicts):
        raise EngineError(str(found), "change one of the two")


def missing_package(name: str) -> str:
    """Why a package cannot be used; empty if it is installed. Does not import it."""
    return "" if find_spec(name) else f"the package {name} is not installed"


def effects(name: str, value: str) -> Effects | None:
    """Where a value stands beside its toggle's others; None if unknown. `auto` stands for one of them."""
    if value == "auto":
        return None
    default = as_text(EngineOptions())[name]
    return EFFECTS.get((name, value), Effects() if value == default else None)
