"""What may enter the queue: a request that can never be served is refused at once, with the numbers."""

from __future__ import annotations

from typing import Protocol

from playground.engine.request import Request


class Blocks(Protocol):
    """`count` KV blocks of `size` tokens, whoever manages them."""

    @property
    def count(self) -> int: ...

    @property
    def size(self) -> int: ...


class Refused(Exception):
    """A request that can never be served; the message says why, with the numbers."""


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
