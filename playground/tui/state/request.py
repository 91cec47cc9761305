"""One request as the screen knows it: its prompt, its text, its numbers while it runs and after (see `FORMULAS`)."""

from __future__ import annotations

from bisect import insort
from itertools import groupby

import msgspec

from playground.protocol.events import RequestFinished, TokensGenerated
from playground.protocol.metrics import NO_NUMBERS, RequestMetrics
from playground.protocol.percentiles import SHARES, Gap, nearest_ranks

# While a request runs its TPS is that of so long, so that a switch is seen at once.
RECENT_S = 2.0
# What is kept of the gaps of a request that has ended.
NEWEST_GAPS = 160


class RequestState(msgspec.Struct):
    """Times are seconds of the engine's clock, but `sent`, which is of this process's.

    `gaps` are seconds between token events with the tokens that they brought; `rising` the same per token, in order, so
    that no frame of a long answer has to sort them.
    """

    request_id: str
    prompt: str
    chat: bool = False
    sent: float = 0.0
    submitted: float | None = None
    loaded: float | None = None
    scheduled: float | None = None
    first: float | None = None
    last: float | None = None
    tokens: int = 0
    characters: int = 0
    gaps: list[Gap] = msgspec.field(default_factory=list)
    rising: list[Gap] = msgspec.field(default_factory=list)
    pieces: list[str] = msgspec.field(default_factory=list)
    finished: RequestFinished | None = None
    final: RequestMetrics | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self.pieces)

    def started(self, start: float) -> None:
        """The first step that works for this request began."""
        if self.scheduled is None:
            self.scheduled = start

    def received(self, event: TokensGenerated) -> None:
        """Tokens came, each with its time; those of one time came in one go."""
        for time, same in groupby(event.times):
            count = len(list(same))
            if self.last is None:
                self.first = time
                count -= 1
            if count:
                gap = time - (self.last if self.last is not None else time)
                self.gaps.append((gap, count))
                insort(self.rising, (gap / count, count))
            self.last = time
        if self.pieces or self.tokens:
            self.characters += len(event.text)
        self.tokens += len(event.token_ids)
        self.pieces.append(event.text)

    def finish(self, event: RequestFinished) -> None:
        """The request ended: its numbers stay, and most of what they were made of goes."""
        self.final = event.metrics if event.metrics.output_tokens >= self.tokens else self.metrics
        self.finished = event
        self.gaps, self.rising, self.pieces = self.gaps[-NEWEST_GAPS:], [], [self.text]

    @property
    def recent_tps(self) -> float | None:
        """TPS over the newest gaps that come to no more than `RECENT_S`, but one at least: a pause before them is none
        of it."""
        seconds, tokens = 0.0, 0
        for gap, count in reversed(self.gaps):
            if tokens and seconds + gap > RECENT_S:
                break
            seconds, tokens = seconds + gap, tokens + count
        return tokens / seconds if seconds else None

    @property
    def metrics(self) -> RequestMetrics:
        """The engine's own numbers once it has told them; until then, and if it dies, the same by what has come."""
        if self.final:
            return self.final
        span = self.last - self.first if self.first is not None and self.last is not None and self.tokens > 1 else None
        load = max(0.0, self.loaded - self.submitted) if self.loaded is not None and self.submitted is not None else 0.0
        queue = _between(self.submitted, self.scheduled)
        itl = nearest_ranks(self.rising, SHARES)
        return msgspec.structs.replace(
            NO_NUMBERS,
            output_tokens=self.tokens,
            queue_s=None if queue is None else max(0.0, queue - load),
            load_s=load or None,
            prefill_s=_between(self.scheduled, self.first),
            ttft_s=_between(self.submitted, self.first),
            tpot_s=span / (self.tokens - 1) if span is not None else None,
            decode_tps=(self.tokens - 1) / span if span else None,
            characters_per_second=self.characters / span if span else None,
            itl_p50_s=itl[0],
            itl_p90_s=itl[1],
            itl_p99_s=itl[2],
        )


def _between(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else max(0.0, later - earlier)
