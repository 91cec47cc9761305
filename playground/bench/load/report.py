"""The report of one sweep of loads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.bench.load.drive import WARM_UP, Sweep
from playground.bench.load.figures import LevelFigures, saturation
from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.session.fold import Fold

FORMULAS = ("TTFT", "TPOT", "ITL", "E2E", "System TPS", "Goodput", "Offered", "Saturation")


def load_report(
    items: Sequence[LevelFigures], sweep: Sweep, fold: Fold, conditions: Conditions = UNDISTURBED
) -> Report:
    """Report the levels that were done, however the sweep ended. Its speed is that of the level with the most TPS."""
    number, fastest = max(enumerate(items), key=lambda each: each[1].system_tps or 0.0)
    notes = [*conditions.notes, *filter(None, (_failures(items, fold), _ends(fold)))]
    trust = build_trust(
        fold,
        n=sum(item.requests for item in items),
        formulas=FORMULAS,
        start="warm" if any(request.served for name, request in fold.requests.items() if _warms(name)) else "cold",
        conditions=conditions._replace(notes=notes),
    )
    timed = [request for name, request in fold.requests.items() if name.startswith(f"level{number}-")]
    return build_report("load", fold, _totals(items, fastest, sweep, fold), items, trust, timed=timed)


def _totals(items: Sequence[LevelFigures], fastest: LevelFigures, sweep: Sweep, fold: Fold) -> dict[str, Any]:
    best = fastest.system_tps or None
    cleared = "kept by the server" if fold.prefix_kept else "cleared before each level"
    return {
        "levels": len(items),
        "saturation": saturation(items) or None,
        "system_tps_best": best,
        "tokens_per_second": best,
        "speed_of": fastest.load,
        "goodput_best": max((item.goodput for item in items if item.goodput is not None), default=None),
        "slo": sweep.slo,
        "prompt": sweep.shape.prompt,
        "shared": sweep.shape.shared,
        "lengths": str(sweep.shape.lengths),
        "requests": sweep.requests,
        "warm_up": sweep.warm_up,
        "prefix_cache": "kept" if sweep.keep_prefix_cache else f"{cleared}, other prompts at each",
    }


def _failures(items: Sequence[LevelFigures], fold: Fold) -> str:
    """How many requests failed, and why the first of them did; empty if none did."""
    if not (failed := sum(item.failed for item in items)):
        return ""
    ended = (request for name, request in fold.requests.items() if request.finished and not _warms(name))
    message = next((request.finished.message for request in ended if request.finished and not request.served), "")
    return f"{failed} of {sum(item.requests for item in items)} requests failed: {message or 'stopped'}"


def _ends(fold: Fold) -> str:
    """Why answers may be shorter than was asked for; empty if they are not."""
    whole = fold.loaded is None or fold.loaded.capabilities.ignores_eos
    return "" if whole else "answers may end before their lengths: this server takes no ignore_eos"


def _warms(name: str) -> bool:
    return name.startswith(f"{WARM_UP}-")
