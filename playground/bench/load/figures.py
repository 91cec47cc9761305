"""Figures of a level: waits, rates, goodput; and where more load brings no more (see `FORMULAS`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import msgspec

from playground.bench.load.level import Level
from playground.bench.load.slo import Slo
from playground.protocol.metrics import prefix_hit
from playground.protocol.percentiles import SHARES, Gap, percentiles
from playground.session.fold import Generated, span

KEEPS_UP, STILL_GROWS = 0.9, 1.1


class Spread(msgspec.Struct, frozen=True):
    """p50, p90 and p99 in seconds by nearest rank; None if no request has such a number."""

    p50: float | None
    p90: float | None
    p99: float | None


class LevelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One level. `window_s`: first submission to last token. `offered`: requests per second that the lightest level's
    median E2E would have let this one finish; None in a closed loop."""

    load: str
    requests: int
    failed: int
    output_tokens: int
    window_s: float | None
    system_tps: float | None
    requests_per_second: float | None
    offered: float | None
    prefix_hit: float | None
    ttft: Spread
    tpot: Spread
    itl: Spread
    e2e: Spread
    queue: Spread
    slo_share: float | None
    goodput: float | None


def level_figures(
    level: Level, requests: Sequence[Generated], last_arrival: float, slo: Slo, lone_s: float | None
) -> LevelFigures:
    """Of requests that have all ended. `last_arrival`: seconds after the first; `lone_s`: median E2E without a crowd,
    None for the lightest level, which is its own."""
    served = [request for request in requests if request.finished and request.finished.reason in ("stop", "length")]
    metrics = [request.finished.metrics for request in served if request.finished]
    window, tokens = span(served), sum(request.output_tokens for request in served)
    good = sum(slo.met(each) for each in metrics)
    e2e = spread(each.e2e_s for each in metrics)
    lone = e2e.p50 if lone_s is None else lone_s
    return LevelFigures(
        load=str(level),
        requests=len(requests),
        failed=len(requests) - len(served),
        output_tokens=tokens,
        window_s=window,
        system_tps=tokens / window if window else None,
        requests_per_second=len(served) / window if window else None,
        offered=len(requests) / (last_arrival + lone) if lone and not level.users else None,
        prefix_hit=prefix_hit(metrics),
        ttft=spread(each.ttft_s for each in metrics),
        tpot=spread(each.tpot_s for each in metrics),
        itl=Spread(*percentiles([gap for request in served for gap in gaps(request.times)], SHARES)),
        e2e=e2e,
        queue=spread(each.queue_s for each in metrics),
        slo_share=good / len(requests) if slo and requests else None,
        goodput=good / window if slo and window else None,
    )


def saturation(levels: Sequence[LevelFigures]) -> str:
    """The last level of a rising sweep before more load brings no more; empty if the sweep does not reach it."""
    for before, after in pairwise(levels):
        if not before.system_tps or not after.system_tps or not after.requests_per_second:
            continue
        if after.offered is None:
            full = after.system_tps < STILL_GROWS * before.system_tps
        else:
            full = after.requests_per_second < KEEPS_UP * after.offered
        if full:
            return before.load
    return ""


def spread(values: Iterable[float | None]) -> Spread:
    """The percentiles over requests."""
    return Spread(*percentiles([(value, 1) for value in values if value is not None], SHARES))


def gaps(times: Sequence[float]) -> list[Gap]:
    """Seconds between token events, each with its number of tokens; tokens of equal times came in one event."""
    groups = [(time, len(list(same))) for time, same in groupby(times)]
    first = [(0.0, groups[0][1] - 1)] if groups and groups[0][1] > 1 else []
    return [*first, *((later - earlier, count) for (earlier, _), (later, count) in pairwise(groups))]
