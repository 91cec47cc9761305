"""Service level objectives: what a request must not exceed to count as served well."""

from __future__ import annotations

from math import isfinite

import msgspec

from playground.protocol.metrics import RequestMetrics

FORM = "ttft=SECONDS, tpot=SECONDS and e2e=SECONDS, those that matter, with commas between"


class Slo(msgspec.Struct, frozen=True):
    """Seconds; None is no objective."""

    ttft: float | None = None
    tpot: float | None = None
    e2e: float | None = None

    def __bool__(self) -> bool:
        return any(limit is not None for limit in msgspec.structs.astuple(self))

    def met(self, metrics: RequestMetrics) -> bool:
        """A request of one token has no TPOT that could be too long; one without a first token has met nothing."""
        if metrics.ttft_s is None:
            return False
        values = ((self.ttft, metrics.ttft_s), (self.tpot, metrics.tpot_s), (self.e2e, metrics.e2e_s))
        return all(limit is None or value is None or value <= limit for limit, value in values)


def parse_slo(text: str) -> Slo:
    """Read what `FORM` says; raises `ValueError`."""
    limits: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if name not in Slo.__struct_fields__ or not isfinite(seconds) or seconds <= 0:
            raise ValueError(f"an SLO cannot be {part.strip()!r}; it takes {FORM}")
        limits[name] = seconds
    return Slo(**limits)
