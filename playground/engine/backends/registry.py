"""Engine names to backends; each is imported only when it is needed."""

from __future__ import annotations

from importlib import import_module

from playground.engine.backends.base import Backend, Emit

BACKENDS = {
    "transformers": "playground.engine.backends.transformers.backend:TransformersBackend",
    "vllm": "playground.engine.backends.vllm.backend:VllmBackend",
    "openai": "playground.engine.backends.openai_server.backend:OpenAIBackend",
    "scripted": "playground.engine.backends.scripted.backend:ScriptedBackend",
}


def create(name: str, emit: Emit) -> Backend:
    """The backend called `name`; raises `KeyError` for an unknown name."""
    module, _, attribute = BACKENDS[name].partition(":")
    backend: Backend = getattr(import_module(module), attribute)(emit)
    return backend
