"""The report of one sweep of loads."""

from __future__ import annotations

from collections.abc import Sequence

from playground.bench.load.drive import Sweep
from playground.bench.load.figures import LevelFigures, saturation
from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.session.fold import Fold

FORMULAS = ("TTFT", "TPOT", "ITL", "E2E", "System TPS", "Goodput", "Offered", "Saturation")


def load_report(
    items: Sequence[LevelFigures], sweep: Sweep, fold: Fold, conditions: Conditions = UNDISTURBED
) -> Report:
    """Report the levels that were done, however the sweep ended."""
    best = max((item.system_tps for item in items if item.system_tps), default=None)
    totals = {
        "levels": len(items),
        "saturation": saturation(items) or None,
        "system_tps_best": best,
        "tokens_per_second": best,
        "goodput_best": max((item.goodput for item in items if item.goodput is not None), default=None),
        "slo": sweep.slo,
        "prompt": sweep.shape.prompt,
        "shared": sweep.shape.shared,
        "lengths": str(sweep.shape.lengths),
        "requests": sweep.requests,
        "warm_up": sweep.warm_up,
        "prefix_cache": "kept" if sweep.keep_prefix_cache else "cleared before each level, other prompts at each",
    }
    trust = build_trust(
        fold,
        n=sum(item.requests for item in items),
        formulas=FORMULAS,
        start="warm" if sweep.warm_up else "cold",
        conditions=conditions,
    )
    return build_report("load", fold, totals, items, trust)
