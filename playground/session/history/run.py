"""One run: its model, options and prompt, and what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from playground.protocol.commands import SamplingParams
from playground.protocol.options import DEFAULTS, EngineOptions, as_text, changed_names

TITLE = 80


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run. `at` is wall time in Unix seconds, `seconds` is of the whole run; TTFT and TPS are medians over its
    `requests`.

    `options` are the differences from the defaults, spelled as on the command line. `quality` is a value of the
    `measure` (pass@1, perplexity, ...). `result` is a benchmark's own report as JSON. `sampling` is that of every
    request; None if they differ, or in old runs that did not keep it. None means not measured. `id` is 0 until the run
    is kept.
    """

    id: int = 0
    at: float
    kind: str
    model: str
    engine: str = ""
    title: str = ""
    options: dict[str, str] = {}
    flags: list[str] = []
    tags: list[str] = []
    requests: int = 1
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float | None = None
    ttft_s: float | None = None
    tps: float | None = None
    system_tps: float | None = None
    memory_bytes: int | None = None
    kv_bytes: int | None = None
    weights_bytes: int | None = None
    quality: float | None = None
    measure: str = ""
    model_path: str = ""
    prompt: str = ""
    chat: bool = False
    sampling: SamplingParams | None = None
    effective: dict[str, str] = {}
    versions: dict[str, str] = {}
    result: dict[str, Any] = {}


def non_defaults(options: EngineOptions) -> dict[str, str]:
    """The toggles that are not at their defaults."""
    spelled = as_text(options)
    return {name: spelled[name] for name in changed_names(DEFAULTS, options)}


def not_as_requested(names: Iterable[str], effective: Mapping[str, str]) -> list[str]:
    """The flags of toggles that are not what was requested."""
    return [f"{name} is {effective.get(name, 'unknown')}" for name in names]


def disturbances(throttled: object, other_processes: int | None) -> list[str]:
    """The flags of disturbances, as far as the machine can tell."""
    shared = [f"GPU shared with {other_processes}"] if other_processes else []
    return ["throttled", *shared] if throttled else shared


def spell_options(options: dict[str, str]) -> str:
    """`kv_cache=int8 max_batch=4`; `defaults` without differences."""
    return " ".join(f"{name}={value}" for name, value in options.items()) or "defaults"
