"""Times of one request, and the numbers that follow from them (see `FORMULAS`). The clock is the caller's."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.protocol.metrics import RequestMetrics
from playground.protocol.percentiles import SHARES, Gap, percentiles


@dataclass
class RequestTimer:
    """Moments of one request, all on one monotonic clock, in seconds."""

    submitted: float
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
        self, prompt_tokens: int, characters: int = 0, cached_tokens: int = 0, preemptions: int = 0
    ) -> RequestMetrics:
        """Every number of this request; `characters` are those that came after the first token."""
        ttft = _minus(self.first, self.submitted)
        e2e = _minus(self.last, self.submitted)
        span = _minus(self.last, self.first) if self.tokens > 1 else None
        load = max(0.0, self.loaded - self.submitted) if self.loaded is not None else None
        queue = _minus(self.scheduled, self.submitted)
        p50, p90, p99 = percentiles(self.gaps, SHARES)
        return RequestMetrics(
            prompt_tokens=prompt_tokens,
            output_tokens=self.tokens,
            cached_tokens=cached_tokens,
            queue_s=queue if queue is None else queue - (load or 0.0),
            load_s=load or None,
            prefill_s=_minus(self.first, self.scheduled),
            ttft_s=ttft,
            tpot_s=span / (self.tokens - 1) if span is not None else None,
            e2e_s=e2e,
            decode_tps=(self.tokens - 1) / span if span else None,
            characters_per_second=characters / span if span else None,
            itl_p50_s=p50,
            itl_p90_s=p90,
            itl_p99_s=p99,
            preemptions=preemptions,
        )


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier
