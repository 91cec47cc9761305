"""The report of attention over lengths: useful work per second, and the share of the roofline."""

from __future__ import annotations

from typing import Any

from playground.bench.attention.measure import Measured
from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.protocol.events import AttentionPoint
from playground.session.fold import Fold
from playground.telemetry.roofline import Need, dot

FORMULAS = ("Attention FLOPs", "Attention bytes", "Attention memory", "Roofline")


def attention_report(measured: Measured, repeats: int, fold: Fold, conditions: Conditions = UNDISTURBED) -> Report:
    """Report the points that were measured; each is the median of `repeats` calls."""
    items = [attention_item(point, measured) for point in measured.points]
    totals = {"shape": measured.shape, "ceilings": measured.ceilings, "points": len(items)}
    trust = build_trust(fold, n=len(items) * repeats, formulas=FORMULAS, start="warm", conditions=conditions)
    return build_report("attention", fold, totals, items, trust)


def attention_item(point: AttentionPoint, measured: Measured) -> dict[str, Any]:
    """A point with what it achieved: useful work per second, and the share of the roofline."""
    where = dot(Need(point.flops, point.bytes), point.seconds, measured.ceilings) if measured.ceilings else None
    return {
        "kernel": point.kernel,
        "phase": point.phase,
        "length": point.length,
        "ran": point.ran,
        "fault": point.fault,
        "seconds": point.seconds if where else None,
        "fastest_s": point.fastest_s if where else None,
        "slowest_s": point.slowest_s if where else None,
        "peak_bytes": point.peak_bytes,
        "flops": point.flops,
        "bytes": point.bytes,
        "flops_per_second": where.flops_per_second if where else None,
        "bytes_per_second": where.bytes_per_second if where else None,
        "intensity": where.intensity if where else None,
        "roofline_share": where.share if where else None,
    }
