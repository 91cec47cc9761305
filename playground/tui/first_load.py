"""The load that the app begins with, as far as the command line does not say."""

from __future__ import annotations

import msgspec

from playground import paths
from playground.config import Settings
from playground.protocol.commands import LoadModel


def own_model(engine: str) -> str:
    """What an engine loads where nothing is named."""
    return "scripted" if engine == "scripted" else str(paths.bundled_model())


def with_settings(load: LoadModel, settings: Settings) -> LoadModel:
    """With what the settings say of single engines; the others pay no heed."""
    vllm, server = settings.engines.vllm, settings.engines.openai
    return msgspec.structs.replace(load, executor=vllm.executor, in_flight=vllm.in_flight, timeout_s=server.timeout_s)
