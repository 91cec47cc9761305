"""Prompt lines and flags as the requests of one `Submit`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from playground.headless.prompts import PromptLine
from playground.protocol.commands import ChatMessage, GenerationRequest, SamplingParams


def build_requests(
    lines: Sequence[PromptLine], sampling: SamplingParams, delays: Sequence[float], chat: bool
) -> list[GenerationRequest]:
    """One request per line, called `r0` and so on; sampling values of a line win over `sampling`."""
    return [
        GenerationRequest(
            request_id=f"r{index}",
            prompt=None if chat else line.prompt,
            prompt_token_ids=line.prompt_token_ids,
            messages=_messages(line, chat),
            sampling=_sampling(line, sampling),
            delay_s=delay,
        )
        for index, (line, delay) in enumerate(zip(lines, delays, strict=True))
    ]


def _messages(line: PromptLine, chat: bool) -> list[ChatMessage] | None:
    if chat and line.prompt is not None:
        return [ChatMessage(role="user", content=line.prompt)]
    return list(line.messages) if line.messages is not None else None


def _sampling(line: PromptLine, sampling: SamplingParams) -> SamplingParams:
    names = ("max_tokens", "ignore_eos", "temperature")
    given = {name: getattr(line, name) for name in names if getattr(line, name) is not None}
    return msgspec.structs.replace(sampling, **given)
