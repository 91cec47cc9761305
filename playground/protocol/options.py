"""The toggles: one frozen struct, and one description per field."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

EngineName = Literal["auto", "transformers", "vllm", "openai", "scripted"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
CostClass = Literal["instant", "cache", "warm-up", "weights", "reload"]
Policy = Literal["continuous", "static"]
Value = str | int | float | bool


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options requested of an engine; what it really uses is read back (`OptionsApplied.effective`)."""

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
    """One field of `EngineOptions`: its name on screen, what it controls, the values it takes, what a change costs."""

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
            "LLM.int8(): inputs above it are not quantized; 0: all are",
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
            form="a number of slots from 1 to 512",
            low=1,
            high=512,
        ),
        Toggle(
            "token_budget",
            "budget",
            "tokens a step at most; a longer prefill is chunked",
            "instant",
            form="a number of tokens a step from 1 to 65536",
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


def format_value(value: object) -> str:
    """Spell a value as `option_text.parse_value` reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def draft_tokens(options: EngineOptions) -> int:
    """N of `speculation=lookup:N`; 0 for off."""
    return int(options.speculation.partition(":")[2] or 0)


def blocks_for(tokens: int, size: int) -> int:
    """KV blocks of `size` tokens that `tokens` tokens fill, the last one perhaps partly."""
    return -(-tokens // size)


def with_changes(options: EngineOptions, changes: dict[str, Value]) -> EngineOptions:
    """`options` with some fields replaced."""
    return msgspec.structs.replace(options, **changes)


def changed_names(before: EngineOptions, after: EngineOptions) -> list[str]:
    """The toggles in which two option sets differ, in field order."""
    return [name for name in EngineOptions.__struct_fields__ if getattr(before, name) != getattr(after, name)]


def as_text(options: EngineOptions) -> dict[str, str]:
    """Every toggle, spelled as on the command line."""
    return {name: format_value(getattr(options, name)) for name in EngineOptions.__struct_fields__}
