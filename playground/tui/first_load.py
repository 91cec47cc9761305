"""The load that the app begins with: what was asked for, and what the settings say of single engines."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from playground import paths
from playground.config import Settings
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions


class LoadFields(TypedDict, total=False):
    """Fields of `LoadModel`; what is None or missing is the engine's own model, or that field's default."""

    model: str | None
    options: EngineOptions | None
    trust_remote_code: bool
    allow_pickle: bool
    tensor_parallel: int
    url: str


def first_load(engine: str, settings: Settings, asked: LoadFields) -> LoadModel:
    """Settings of other engines are included; each engine ignores what is not its own."""
    vllm, server = settings.engines.vllm, settings.engines.openai
    load = LoadModel(
        model="scripted" if engine == "scripted" else str(paths.bundled_model()),
        executor=vllm.executor,
        in_flight=vllm.in_flight,
        timeout_s=server.timeout_s,
    )
    return msgspec.structs.replace(load, **{name: value for name, value in asked.items() if value is not None})
