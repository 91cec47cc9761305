"""One request as the screen knows it: its prompt, its text, its numbers while it runs and after (see `FORMULAS`)."""

from __future__ import annotations

from bisect import insort
from itertools import groupby

import msgspec

from playground.protocol.events import RequestFinished, TokensGenerated
from playground.protocol.metrics import RequestMetrics
from playground.protocol.percentiles import Gap
from playground.protocol.timing import RequestTimer

# While a request runs its TPS is that of so long, so that a switch is seen at once.
RECENT_S = 2.0
# What is kept of the gaps of a request that has ended.
NEWEST_GAPS = 160


class RequestState(msgspec.Struct):
    """`timer` keeps seconds of the engine's clock, `sent` is of this process's. `queued`: the engine has told when it
    was submitted, which is an estimate before, and its `prompt_tokens`. `admitted`: it has had a slot. `rising`: the
    gaps per token in rising order, so that no frame of a long answer has to sort them."""

    request_id: str
    prompt: str
    chat: bool = False
    sent: float = 0.0
    timer: RequestTimer = msgspec.field(default_factory=RequestTimer)
    queued: bool = False
    prompt_tokens: int = 0
    admitted: bool = False
    characters: int = 0
    rising: list[Gap] = msgspec.field(default_factory=list)
    pieces: list[str] = msgspec.field(default_factory=list)
    finished: RequestFinished | None = None
    final: RequestMetrics | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        """Token ids received so far."""
        return self.timer.tokens

    def received(self, event: TokensGenerated) -> None:
        """Tokens came, each with its time; those of one time came in one go."""
        self.admitted = True  # tokens come before the step that made them
        if self.pieces or self.tokens:
            self.characters += len(event.text)
        tokens, gaps = self.tokens, len(self.timer.gaps)
        for time, same in groupby(event.times):
            self.timer.received(time, len(list(same)))
        self.timer.tokens = tokens + len(event.token_ids)  # a server may report times without ids
        for gap, count in self.timer.gaps[gaps:]:
            insort(self.rising, (gap / count, count))
        self.pieces.append(event.text)

    def finish(self, event: RequestFinished) -> None:
        """The request ended: its numbers stay, and most of what they were made of goes."""
        whole = event.metrics.chunks or event.metrics.output_tokens >= self.tokens  # not so where the engine died
        self.final = event.metrics if whole else self.metrics
        self.finished = event
        self.timer.gaps = self.timer.gaps[-NEWEST_GAPS:]
        self.rising, self.pieces = [], [self.text]

    @property
    def recent_tps(self) -> float | None:
        """TPS over the newest gaps that come to no more than `RECENT_S`, but one at least: a pause before them is none
        of it."""
        seconds, tokens = 0.0, 0
        for gap, count in reversed(self.timer.gaps):
            if tokens and seconds + gap > RECENT_S:
                break
            seconds, tokens = seconds + gap, tokens + count
        return tokens / seconds if seconds else None

    @property
    def metrics(self) -> RequestMetrics:
        """The engine's own numbers once it has reported them; until then, and if it dies, the same from what has
        arrived, without an E2E."""
        if self.final:
            return self.final
        metrics = self.timer.metrics(self.prompt_tokens, self.characters, rising=self.rising)
        return msgspec.structs.replace(metrics, e2e_s=None, cached_tokens=None)
