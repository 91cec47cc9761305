"""Figures of a level: waits, rates, goodput; and where more load brings no more (see `FORMULAS`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import log2

import msgspec

from playground.bench.load.level import Level
from playground.bench.load.slo import Slo
from playground.protocol.metrics import NO_METRICS, prefix_hit
from playground.protocol.percentiles import SHARES, Gap, percentiles
from playground.session.fold import Generated, span

KEEPS_UP, STILL_GROWS = 0.9, 1.1
BELOW = "below "


class Spread(msgspec.Struct, frozen=True):
    """p50, p90 and p99 in seconds by nearest rank; None if no request has such a number."""

    p50: float | None
    p90: float | None
    p99: float | None


class LevelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One level. `window_s`: first submission to the end of the last request, failed ones too, and at least to the last
    arrival. `offered`: requests per second that the lightest level's median E2E would have let this one finish; None in
    a closed loop."""

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
    level: Level, requests: Sequence[Generated], took_s: float, last_arrival: float, slo: Slo, lone_s: float | None
) -> LevelFigures:
    """Of requests that have all ended. `took_s`: from the submission to the last end, as a stopwatch here sees it: the
    engine has no time of a failure. `last_arrival`: seconds after the first; `lone_s`: median E2E without a crowd, None
    for the lightest level, which is its own."""
    served = [request for request in requests if request.served]
    metrics = [request.finished.metrics for request in served if request.finished]
    failed, tokens = len(requests) - len(served), sum(request.output_tokens for request in served)
    window = max(span(served) or 0.0, last_arrival, took_s if failed else 0.0)
    good = sum(slo.met(each) for each in metrics)
    e2e = spread(each.e2e_s for each in metrics)
    lone = e2e.p50 if lone_s is None else lone_s
    return LevelFigures(
        load=str(level),
        requests=len(requests),
        failed=failed,
        output_tokens=tokens,
        window_s=window or None,
        system_tps=tokens / window if tokens and window else None,
        requests_per_second=len(served) / window if window else None,
        offered=len(requests) / (last_arrival + lone) if lone and not level.users else None,
        prefix_hit=prefix_hit(metrics),
        ttft=spread(each.ttft_s for each in metrics),
        tpot=spread(each.tpot_s for each in metrics),
        itl=Spread(*percentiles([gap for request in served for gap in _known_gaps(request)], SHARES)),
        e2e=e2e,
        queue=spread(each.queue_s for each in metrics),
        slo_share=good / len(requests) if slo and requests else None,
        goodput=good / window if slo and window else None,
    )


def saturation(levels: Sequence[LevelFigures]) -> str:
    """The last level of a rising sweep before more load brings no more, `below` the first if that one is too much;
    empty if the sweep does not reach it."""
    if levels and _falls_behind(levels[0]):
        return f"{BELOW}{levels[0].load}"
    for before, after in pairwise(levels):
        if before.system_tps and after.system_tps and (_falls_behind(after) or _grows_no_more(before, after)):
            return before.load
    return ""


def saturates(levels: Sequence[LevelFigures]) -> str:
    """`saturates after closed:4`; empty if it does not."""
    full = saturation(levels)
    return full and f"saturates {full if full.startswith(BELOW) else f'after {full}'}"


def _falls_behind(level: LevelFigures) -> bool:
    if not level.offered or not level.requests_per_second:
        return False
    return level.requests_per_second < KEEPS_UP * level.offered


def _grows_no_more(before: LevelFigures, after: LevelFigures) -> bool:
    """In a closed loop; by doublings of the users, so that levels far apart and close together are judged alike."""
    users, more = _users(before), _users(after)
    if not (users and more and before.system_tps and after.system_tps):
        return False
    return after.system_tps < before.system_tps * float(STILL_GROWS ** log2(more / users))


def _users(level: LevelFigures) -> int:
    return int(level.load.removeprefix("closed:")) if level.load.startswith("closed:") else 0


def spread(values: Iterable[float | None]) -> Spread:
    """The percentiles over requests."""
    return Spread(*percentiles([(value, 1) for value in values if value is not None], SHARES))


def _known_gaps(request: Generated) -> list[Gap]:
    """Gaps of a request; none if its times are those of a server's chunks, which are not one token each."""
    metrics = request.finished.metrics if request.finished else NO_METRICS
    return [] if metrics.chunks and metrics.itl_p50_s is None else gaps(request.times)


def gaps(times: Sequence[float]) -> list[Gap]:
    """Seconds between token events, each with its number of tokens; tokens of equal times came in one event."""
    groups = [(time, len(list(same))) for time, same in groupby(times)]
    first = [(0.0, groups[0][1] - 1)] if groups and groups[0][1] > 1 else []
    return [*first, *((later - earlier, count) for (earlier, _), (later, count) in pairwise(groups))]
