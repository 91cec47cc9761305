"""The toggles: one frozen struct, one description per field, one way to read them from text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Literal, get_args

import msgspec

EngineName = Literal["auto", "transformers", "vllm", "openai", "scripted"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
CostClass = Literal["instant", "cache", "warm-up", "weights", "reload"]
Policy = Literal["continuous", "static"]
Value = str | int | float | bool


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of an engine. What it really does is read back from it (`OptionsApplied.effective`)."""

    device: str = "auto"
    dtype: str = "auto"
    weights: str = "model"
    int8_threshold: float = 6.0
    adapter: str = "off"
    attention: str = "auto"
    kv_cache: str = "model"
    kv_blocks: str = "auto"
    block_size: int = 32
    batching: str = "continuous"
    max_batch: int = 8
    token_budget: int = 256
    prefix_cache: bool = True
    speculation: str = "off"
    compile: bool = False


class Toggle(msgspec.Struct, frozen=True):
    """One field of `EngineOptions`: its name on screen, what it is about, the values it takes, what a change costs."""

    name: str
    label: str
    about: str
    cost: CostClass
    values: tuple[str, ...] = ()
    form: str = ""
    low: float | None = None
    high: float | None = None


TOGGLES: dict[str, Toggle] = {
    toggle.name: toggle
    for toggle in (
        Toggle(
            "weights", "weights", "precision of the linear layers' weights", "weights", ("model", "int8", "nf4", "fp8")
        ),
        Toggle(
            "int8_threshold",
            "int8 thr.",
            "LLM.int8(): inputs above it are outliers, not quantized",
            "instant",
            form="a number from 0 to 10",
            low=0,
            high=10,
        ),
        Toggle(
            "attention",
            "attention",
            "the kernel that computes attention",
            "instant",
            ("auto", "eager", "sdpa-math", "sdpa-flash", "flash_attention_2", "flash_attention_3"),
        ),
        Toggle(
            "kv_cache", "KV cache", "precision of keys and values", "cache", ("model", "fp8", "int8", "int4", "int2")
        ),
        Toggle(
            "kv_blocks",
            "KV blocks",
            "size of the paged KV cache, in blocks",
            "cache",
            ("auto",),
            "auto or a number of blocks",
            low=1,
        ),
        Toggle("block_size", "block", "tokens whose KV is one block of the cache", "cache", ("16", "32", "64")),
        Toggle(
            "batching",
            "batching",
            "requests join at any step, or a batch runs to its end",
            "instant",
            ("continuous", "static"),
        ),
        Toggle(
            "max_batch",
            "slots",
            "requests that run at a time",
            "instant",
            form="a number of slots from 1",
            low=1,
            high=512,
        ),
        Toggle(
            "token_budget",
            "budget",
            "tokens a step at most; a longer prefill is chunked",
            "instant",
            form="a number of tokens a step from 1",
            low=1,
            high=65536,
        ),
        Toggle("prefix_cache", "prefix", "KV of prompts that begin alike is computed once", "instant", ("on", "off")),
        Toggle(
            "speculation",
            "speculate",
            "lookup:N drafts N tokens out of the text, then verifies",
            "instant",
            ("off", "lookup:4"),
            "off or lookup:N, N draft tokens from 1 to 32",
        ),
        Toggle("compile", "compile", "torch.compile; on a GPU also CUDA graphs", "warm-up", ("off", "on")),
        Toggle(
            "adapter",
            "adapter",
            "a LoRA adapter on the weights",
            "weights",
            ("off",),
            "off or the folder of a PEFT LoRA adapter",
        ),
        Toggle(
            "device",
            "device",
            "where the model runs",
            "reload",
            ("auto", "cpu", "mps"),
            "auto, cpu, cuda:N or mps",
        ),
        Toggle(
            "dtype",
            "dtype",
            "the floating-point type that the model computes in",
            "reload",
            ("auto", "float32", "bfloat16", "float16"),
        ),
    )
}

DEFAULTS = EngineOptions()
# Other names of a requested kernel: ragged batches run FlashAttention's varlen variant.
SAME_KERNEL = {"sdpa-flash": {"sdpa-flash", "flash-varlen"}}
# How TOML and Python spell what is `on` and `off` here.
BOOLEANS = {"true": "on", "false": "off"}
# Joins the names of kernels if several ran.
KERNEL_JOIN = " + "
# Shown for a value that the engine does not report.
UNTOLD = "–"


class OptionError(ValueError):
    """A toggle or value that does not exist; the message names the ones that do."""


def parse_value(name: str, text: str) -> Value:
    """Read the text of one toggle, as typed after `--set` or written in a preset; raises `OptionError`."""
    toggle = TOGGLES.get(name)
    if toggle is None:
        raise OptionError(f"no toggle is called {name!r}; there are: {', '.join(TOGGLES)}")
    kind = type(getattr(DEFAULTS, name))
    if kind is str:
        return _parse_choice(toggle, text)
    if kind is bool:
        word = BOOLEANS.get(text, text)
        _require(toggle, word in toggle.values, text)
        return word == "on"
    if toggle.values:
        _require(toggle, text in toggle.values, text)
        return int(text)
    return _parse_number(toggle, text, kind)


def _parse_choice(toggle: Toggle, text: str) -> str:
    head, _, tail = text.partition(":")
    open_forms = {
        "kv_blocks": text.isdecimal() and int(text) >= 1,
        "speculation": head == "lookup" and tail.isdecimal() and 1 <= int(tail) <= 32,
        "adapter": bool(text),
        "device": head == "cuda" and (tail.isdecimal() or text == "cuda"),
    }
    _require(toggle, text in toggle.values or open_forms.get(toggle.name, False), text)
    return text


def _parse_number(toggle: Toggle, text: str, kind: Callable[[str], float]) -> Value:
    try:
        number = kind(text)
    except ValueError:
        raise OptionError(_wrong(toggle, text)) from None
    _require(
        toggle, (toggle.low is None or number >= toggle.low) and (toggle.high is None or number <= toggle.high), text
    )
    return number


def _require(toggle: Toggle, ok: bool, text: str) -> None:
    if not ok:
        raise OptionError(_wrong(toggle, text))


def _wrong(toggle: Toggle, text: str) -> str:
    return f"{toggle.name} cannot be {text!r}; it takes {toggle.form or ', '.join(toggle.values)}"


def parse_assignment(text: str) -> tuple[str, Value]:
    """Read `TOGGLE=VALUE`; raises `OptionError`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise OptionError(f"{text!r} is not TOGGLE=VALUE; for example kv_cache=int8")
    return name.strip(), parse_value(name.strip(), value.strip())


def format_value(value: object) -> str:
    """Spell a value as `parse_value` reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def ran_as_asked(asked: str, ran: str) -> bool:
    """The attention that ran, kernels joined by `KERNEL_JOIN`, is what the toggle asked for."""
    return set(ran.split(KERNEL_JOIN)) <= SAME_KERNEL.get(asked, {asked})


def differs(name: str, asked: str, effective: str) -> bool:
    """Whether the effective value differs from the requested one. `auto` and unreported values never differ."""
    match name:
        case "adapter":  # asked for by its folder, called by its name
            asked = PurePath(asked).name
        case "compile":  # told with the graphs that were added
            effective = effective.partition(" ")[0]
        case "device" if ":" not in asked or ":" not in effective:  # one of several, no matter which
            asked, effective = asked.partition(":")[0], effective.partition(":")[0]
    return effective != UNTOLD and asked not in (effective, "auto", UNTOLD) and not ran_as_asked(asked, effective)


def with_changes(options: EngineOptions, changes: dict[str, Value]) -> EngineOptions:
    """`options` with some fields replaced."""
    return msgspec.structs.replace(options, **changes)


def changed_names(before: EngineOptions, after: EngineOptions) -> list[str]:
    """The toggles in which two option sets differ, in field order."""
    return [name for name in EngineOptions.__struct_fields__ if getattr(before, name) != getattr(after, name)]


def as_text(options: EngineOptions) -> dict[str, str]:
    """Every toggle, spelled as on the command line."""
    return {name: format_value(getattr(options, name)) for name in EngineOptions.__struct_fields__}
