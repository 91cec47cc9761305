"""Times of one request, and the numbers that follow from them (see `FORMULAS`). The clock is the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from playground.protocol.metrics import RequestMetrics
from playground.protocol.percentiles import SHARES, Gap, nearest_ranks, percentiles


@dataclass
class RequestTimer:
    """Moments of one request in seconds, all on one monotonic clock; `submitted` is None while that clock is unknown.
    `gaps`: seconds between token events, each with the number of tokens it brought."""

    submitted: float | None = None
    loaded: float | None = None
    scheduled: float | None = None
    gaps: list[Gap] = field(default_factory=list)
    first: float | None = None
    last: float | None = None
    tokens: int = 0

    def started(self, now: float) -> None:
        """The first step that works for this request begins."""
        if self.scheduled is None:
            self.scheduled = now

    def received(self, now: float, count: int = 1) -> None:
        """`count` token ids became available in one go."""
        if self.first is None or self.last is None:
            self.first = now
            extra = count - 1
            if extra:
                self.gaps.append((0.0, extra))
        else:
            self.gaps.append((now - self.last, count))
        self.last = now
        self.tokens += count

    def metrics(
        self,
        prompt_tokens: int,
        characters: int = 0,
        cached_tokens: int = 0,
        preemptions: int = 0,
        rising: Sequence[Gap] | None = None,
    ) -> RequestMetrics:
        """Every number of this request. `characters`: those after the first token. `rising`: the gaps per token in
        rising order, if the caller has them sorted already."""
        span = _between(self.first, self.last) if self.tokens > 1 else None
        load, queue = _between(self.submitted, self.loaded) or 0.0, _between(self.submitted, self.scheduled)
        p50, p90, p99 = percentiles(self.gaps, SHARES) if rising is None else nearest_ranks(rising, SHARES)
        return RequestMetrics(
            prompt_tokens=prompt_tokens,
            output_tokens=self.tokens,
            cached_tokens=cached_tokens,
            queue_s=None if queue is None else max(0.0, queue - load),
            load_s=load or None,
            prefill_s=_between(self.scheduled, self.first),
            ttft_s=_between(self.submitted, self.first),
            tpot_s=span / (self.tokens - 1) if span is not None else None,
            e2e_s=_between(self.submitted, self.last),
            decode_tps=(self.tokens - 1) / span if span else None,
            characters_per_second=characters / span if span else None,
            itl_p50_s=p50,
            itl_p90_s=p90,
            itl_p99_s=p99,
            preemptions=preemptions,
        )


def _between(earlier: float | None, later: float | None) -> float | None:
    """Seconds between two moments; never negative, since `submitted` of another process is an estimate."""
    return None if earlier is None or later is None else max(0.0, later - earlier)
