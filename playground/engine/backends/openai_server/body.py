"""A request as the path and the JSON body that a server takes."""

from __future__ import annotations

from typing import Any

import msgspec

from playground.engine.admission import Refused
from playground.engine.backends.openai_server.server import Server
from playground.protocol.commands import GenerationRequest, SamplingParams

DEFAULTS = SamplingParams()
MOST_STOPS = 4  # OpenAI's limit, and vLLM's; those left out are applied here, see `StreamedRequest`


def body_of(request: GenerationRequest, model: str, server: Server) -> tuple[str, dict[str, Any]]:
    """Path and body; raises `Refused` for what this kind of server does not support. Supported values are always sent,
    since servers have other defaults."""
    body: dict[str, Any] = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    body |= _sampling(request.sampling, server) | server.ask
    if request.messages is not None:
        return "/chat/completions", body | {"messages": msgspec.to_builtins(request.messages)}
    if request.prompt_token_ids is not None:
        return "/completions", body | {"prompt": request.prompt_token_ids}
    if not (request.prompt or "").strip():
        raise Refused("the prompt is empty; type something first")
    return "/completions", body | {"prompt": request.prompt}


def _sampling(sampling: SamplingParams, server: Server) -> dict[str, Any]:
    body: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = sampling.stop[:MOST_STOPS]
    for name in ("top_k", "min_p", "repetition_penalty", "ignore_eos"):
        value, default = getattr(sampling, name), getattr(DEFAULTS, name)
        if name in server.sampling:
            body[server.sampling[name]] = server.off.get(name, value) if value == default else value
        elif value != default:
            flag = f"--{name.replace('_', '-')}"
            raise Refused(f"{server.name} takes no {name}: it is not in OpenAI's API; leave {flag} out")
    return body
