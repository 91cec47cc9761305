"""What may enter the queue: a request that can never be served is refused at once, with the numbers."""

from __future__ import annotations

from collections.abc import Callable, Container
from math import inf
from typing import Protocol

from playground.engine.request import Request
from playground.protocol.commands import SamplingParams
from playground.protocol.events import RequestFinished
from playground.protocol.fault import Fault
from playground.protocol.options import blocks_for
from playground.protocol.timing import RequestTimer

SAMPLING: dict[str, Callable[[SamplingParams], bool]] = {
    "max_tokens must be at least 1": lambda params: params.max_tokens >= 1,
    "temperature must be 0 or more, and finite": lambda params: 0 <= params.temperature < inf,
    "top_k must be 0 (all) or more": lambda params: params.top_k >= 0,
    "top_p must be above 0, at most 1": lambda params: 0 < params.top_p <= 1,
    "min_p must be from 0 to 1": lambda params: 0 <= params.min_p <= 1,
    "repetition_penalty must be above 0, and finite": lambda params: 0 < params.repetition_penalty < inf,
    "seed must fit in 64 bits": lambda params: params.seed is None or -(2**63) <= params.seed < 2**64,
}


class Blocks(Protocol):
    """`count` KV blocks of `size` tokens."""

    @property
    def count(self) -> int: ...

    @property
    def size(self) -> int: ...


class Refused(Fault):
    """A request that can never be served; the message says why, with the numbers."""


def check_name(request_id: str, known: Container[str]) -> None:
    """Raises `Refused` if a request with this id already exists."""
    if request_id in known:
        raise Refused(f"a request called {request_id} is already here; give this one another id")


def refused(request_id: str, timer: RequestTimer, refusal: Refused) -> RequestFinished:
    """The end of a request that never entered the queue."""
    metrics = timer.metrics(prompt_tokens=0)
    return RequestFinished(request_id=request_id, reason="error", metrics=metrics, message=str(refusal))


def check(request: Request, context: int, blocks: Blocks) -> None:
    """Raises `Refused` if the request can never be served. `context`: positions of the model."""
    prompt = len(request.prompt_ids)
    if not prompt:
        raise Refused("the prompt is empty; type something first")
    if prompt >= context:
        raise Refused(f"the prompt has {prompt} tokens and the model's context is {context}; shorten it")
    if wrong := next((words for words, holds in SAMPLING.items() if not holds(request.sampling)), ""):
        raise Refused(wrong)
    if reason := misfit(request, context, blocks):
        raise Refused(reason)


def misfit(request: Request, context: int, blocks: Blocks) -> str:
    """Why the request can never have the blocks that it may need; empty if it can."""
    prompt, longest = len(request.prompt_ids), min(request.longest, context)
    if longest <= blocks.count * blocks.size:
        return ""
    return (
        f"{prompt} prompt + {longest - prompt} new tokens need {blocks_for(longest, blocks.size)} KV blocks"
        f" and there are {blocks.count}; raise kv_blocks or lower max tokens"
    )
