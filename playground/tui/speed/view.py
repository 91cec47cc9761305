"""The input of the speed panel."""

from __future__ import annotations

import msgspec

from playground.protocol.metrics import RequestMetrics
from playground.tui.letters import Letter


class SpeedView(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one request so far, in seconds and per second; None if not known (yet).

    `itl_s` holds the newest gaps between tokens, one per token, for the sparkline. `running`: more tokens come, and
    `tps` is that of the newest. `replay`: measured elsewhere, played back here. `prompt`, `cached` (found in the prefix
    cache) and `answer` count tokens.
    """

    letter: Letter | None = None
    ttft_s: float | None = None
    queue_s: float | None = None
    load_s: float | None = None
    prefill_s: float | None = None
    tps: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    characters_per_second: float | None = None
    itl_s: tuple[float, ...] = ()
    itl_p50_s: float | None = None
    itl_p99_s: float | None = None
    running: bool = False
    replay: bool = False
    prompt: int | None = None
    cached: int | None = None
    answer: int | None = None

    @classmethod
    def of(
        cls, letter: Letter, metrics: RequestMetrics, itl_s: tuple[float, ...] = (), replay: bool = False
    ) -> SpeedView:
        """The numbers of a request's metrics."""
        return cls(
            letter=letter,
            ttft_s=metrics.ttft_s,
            queue_s=metrics.queue_s,
            load_s=metrics.load_s,
            prefill_s=metrics.prefill_s,
            tps=metrics.decode_tps,
            tpot_s=metrics.tpot_s,
            e2e_s=metrics.e2e_s,
            characters_per_second=metrics.characters_per_second,
            itl_s=itl_s,
            itl_p50_s=metrics.itl_p50_s,
            itl_p99_s=metrics.itl_p99_s,
            replay=replay,
            prompt=metrics.prompt_tokens or None,
            cached=metrics.cached_tokens if metrics.prompt_tokens else None,
            answer=metrics.output_tokens or None,
        )
