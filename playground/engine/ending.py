"""When an answer ends: EOS, a stop string, its own limit, the model's context."""

from __future__ import annotations

from collections.abc import Callable

from playground.engine.detokenizer import Detokenizer
from playground.engine.request import Request
from playground.protocol.events import FinishReason, RequestFinished


def until_end(request: Request, token_ids: list[int], context: int, is_end: Callable[[int], bool]) -> list[int]:
    """The new ids that still belong to the answer, EOS included."""
    token_ids = token_ids[: min(request.longest, context) - request.length]
    if request.sampling.ignore_eos:
        return token_ids
    end = next((index for index, token_id in enumerate(token_ids) if is_end(token_id)), None)
    return token_ids if end is None else token_ids[: end + 1]


def end_reason(request: Request, context: int, is_end: Callable[[int], bool], stop_string: bool) -> FinishReason | None:
    """Why the answer so far is complete; None while it goes on."""
    if stop_string or (is_end(request.output_ids[-1]) and not request.sampling.ignore_eos):
        return "stop"
    return "length" if request.length >= min(request.longest, context) else None


def finished_event(request: Request, detokenizer: Detokenizer, reason: FinishReason, message: str) -> RequestFinished:
    """The end of a request, with its numbers."""
    metrics = request.timer.metrics(
        len(request.prompt_ids), detokenizer.characters_after_first, request.cached_tokens, request.preemptions
    )
    return RequestFinished(request_id=request.request_id, reason=reason, metrics=metrics, message=message)
