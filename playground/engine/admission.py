"""What may enter the queue: a request that can never be served is refused at once, with the numbers."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from playground.engine.request import Request
from playground.engine.timing import RequestTimer
from playground.protocol.events import RequestFinished


class Blocks(Protocol):
    """`count` KV blocks of `size` tokens, whoever manages them."""

    @property
    def count(self) -> int: ...

    @property
    def size(self) -> int: ...


class Refused(Exception):
    """A request that can never be served; the message says why, with the numbers."""


def check_name(request_id: str, known: Container[str]) -> None:
    """Raises `Refused` for one that is here already."""
    if request_id in known:
        raise Refused(f"a request called {request_id} is already here; give this one another id")


def refused(request_id: str, timer: RequestTimer, refusal: Refused) -> RequestFinished:
    """The end of a request that never entered the queue."""
    metrics = timer.metrics(prompt_tokens=0)
    return RequestFinished(request_id=request_id, reason="error", metrics=metrics, message=str(refusal))


def check(request: Request, context: int, blocks: Blocks) -> None:
    """Raises `Refused`. `context`: the positions that the model has."""
    prompt = len(request.prompt_ids)
    if not prompt:
        raise Refused("the prompt is empty; type something first")
    if prompt >= context:
        raise Refused(f"the prompt has {prompt} tokens and the model's context is {context}; shorten it")
    if request.sampling.max_tokens < 1:
        raise Refused("max_tokens must be at least 1")
    if reason := misfit(request, context, blocks):
        raise Refused(reason)


def misfit(request: Request, context: int, blocks: Blocks) -> str:
    """Why the request can never have the blocks that it may need; empty if it can."""
    prompt, longest = len(request.prompt_ids), min(request.longest, context)
    if longest <= blocks.count * blocks.size:
        return ""
    return (
        f"{prompt} prompt + {longest - prompt} new tokens need {-(-longest // blocks.size)} KV blocks"
        f" and there are {blocks.count}; raise kv_blocks or lower max tokens"
    )
