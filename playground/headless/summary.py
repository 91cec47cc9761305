"""The last line of `run --json`: figures of each request and of all together."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from playground.protocol.events import FinishReason
from playground.protocol.metrics import NO_METRICS
from playground.protocol.options import as_text
from playground.session.fold import Fold, Generated, span


class RequestSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One request; None if the definition gives no value, or a server tells no count. `message` is present only if
    something went wrong."""

    id: str
    prompt_tokens: int | None
    output_tokens: int | None
    token_ids: list[int]
    text: str
    ttft_s: float | None
    tpot_s: float | None
    e2e_s: float | None
    queue_s: float | None
    finish_reason: FinishReason | None
    message: str | UnsetType = UNSET


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """All requests together. `seconds` on the engine's clock, first submission to last token, without the load."""

    output_tokens: int | None
    seconds: float | None
    tokens_per_second: float | None
    steps: int
    occupancy: float | None
    kv_bytes_peak: int
    load_seconds: float | None


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Summary"):
    """The line. `options` as last requested, `effective` as last read back from the engine. `disturbed` is present only
    if the GPU was throttled or shared."""

    requests: list[RequestSummary]
    options: dict[str, str]
    effective: dict[str, str]
    totals: Totals
    disturbed: list[str] | UnsetType = UNSET


def summarize(fold: Fold) -> Summary:
    """Summarize a fold, requests in order of submission."""
    requests = list(fold.requests.values())
    return Summary(
        requests=[_summarize_request(request) for request in requests],
        options=as_text(fold.options),
        effective=fold.effective,
        totals=_totals(fold, requests),
        disturbed=fold.disturbed or UNSET,
    )


def _summarize_request(request: Generated) -> RequestSummary:
    finished = request.finished
    metrics = finished.metrics if finished else NO_METRICS
    return RequestSummary(
        id=request.request_id,
        prompt_tokens=None if metrics.chunks and not metrics.prompt_tokens else metrics.prompt_tokens,
        output_tokens=request.output_tokens if request.counted else None,
        token_ids=[] if metrics.chunks else request.token_ids,  # a server may send the ids of some tokens only
        text=request.text,
        ttft_s=metrics.ttft_s,
        tpot_s=metrics.tpot_s,
        e2e_s=metrics.e2e_s,
        queue_s=metrics.queue_s,
        finish_reason=finished.reason if finished else None,
        message=finished.message if finished and finished.message else UNSET,
    )


def _totals(fold: Fold, requests: list[Generated]) -> Totals:
    tokens, seconds = sum(request.output_tokens for request in requests), span(requests)
    counted = all(request.counted for request in requests)
    return Totals(
        output_tokens=tokens if counted else None,
        seconds=seconds,
        tokens_per_second=tokens / seconds if tokens and counted and seconds else None,
        steps=fold.steps,
        occupancy=fold.busy_slot_steps / fold.slot_steps if fold.slot_steps else None,
        kv_bytes_peak=fold.kv_bytes_peak,
        load_seconds=fold.load_seconds,
    )
