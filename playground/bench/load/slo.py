"""Service level objectives: limits that a request must meet to count as served well."""

from __future__ import annotations

from math import isfinite

import msgspec

from playground.protocol.metrics import RequestMetrics

FORM = "ttft=SECONDS, tpot=SECONDS and e2e=SECONDS, those that matter, with commas between"


class Slo(msgspec.Struct, frozen=True):
    """Limits in seconds; None is no limit."""

    ttft: float | None = None
    tpot: float | None = None
    e2e: float | None = None

    def __bool__(self) -> bool:
        return any(limit is not None for limit in msgspec.structs.astuple(self))

    def met(self, metrics: RequestMetrics) -> bool:
        """Whether a request met every limit. One token alone has no TPOT to exceed; without a first token no limit is
        met."""
        if metrics.ttft_s is None:
            return False
        values = ((self.ttft, metrics.ttft_s), (self.tpot, metrics.tpot_s), (self.e2e, metrics.e2e_s))
        return all(limit is None or value is None or value <= limit for limit, value in values)


def parse_slo(text: str) -> Slo:
    """Parse text in the form of `FORM`; raises `ValueError`."""
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
