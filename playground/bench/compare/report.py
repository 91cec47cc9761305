"""The report of one comparison."""

from __future__ import annotations

from typing import Any

import msgspec

from playground.bench.compare.comparison import ComparisonPlan
from playground.bench.compare.runs import Comparison
from playground.bench.compare.side_spec import SideSpec, verdict_name
from playground.bench.compare.verdict import verdict
from playground.bench.report import PREFIX_KEPT, UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.protocol.comparison import SideName
from playground.protocol.options import as_text
from playground.session.fold import Fold, unmet

FORMULAS = ("TTFT", "TPS", "KV", "KL", "A/A noise", "Run noise")


def comparison_report(
    found: Comparison,
    sides: tuple[SideSpec, SideSpec],
    plan: ComparisonPlan,
    fold: Fold,
    conditions: Conditions = UNDISTURBED,
) -> Report:
    """Report both sides; options and effective values are those of A."""
    a, b = sides
    notes = [*conditions.notes, *([PREFIX_KEPT] if found.prefix_kept else [])]
    if not found.repeats:
        notes.append("A does not repeat its own text")
    trust = build_trust(fold, n=len(found.runs), formulas=FORMULAS, start="warm", conditions=conditions)
    trust = msgspec.structs.replace(trust, differs=_unmet(found, a, b), notes=notes)
    report = build_report("compare", fold, _totals(found, a, b, plan), found.runs, trust)
    return msgspec.structs.replace(report, options=as_text(a.options), effective=found.effective.get("A", {}))


def _side(found: Comparison, name: SideName, side: SideSpec) -> dict[str, Any]:
    return {
        "model": side.load.model or found.models.get(name, ""),
        "engine": side.engine,
        "options": as_text(side.options),
        "text": found.text(name),
    }


def _totals(found: Comparison, a: SideSpec, b: SideSpec, plan: ComparisonPlan) -> dict[str, Any]:
    divergence = found.divergence
    return {
        "a": _side(found, "A", a),
        "b": _side(found, "B", b),
        "effective": found.effective,
        "prompt": plan.prompt,
        "max_tokens": plan.max_tokens,
        "ttft_s": found.ttft,
        "decode_tps": found.tps,
        "kv_bytes_per_token": found.kv,
        "weights_bytes": found.weight_bytes,
        "first_difference": found.first_difference,
        "unit": found.unit,
        "a_repeats_itself": found.repeats,
        "kl_mean": divergence.kl_mean,
        "kl_noise": divergence.noise,
        "kl_reason": divergence.reason,
        "kl_likeliest": divergence.likeliest,
        "kl_per_token": divergence.kl,
        "rank_per_token": divergence.rank,
        "agreement": divergence.agreement,
        "verdict": verdict(verdict_name(a, b), found),
    }


def _unmet(found: Comparison, a: SideSpec, b: SideSpec) -> dict[str, str]:
    """By toggle and side, why it is not what was requested."""
    return {
        f"{name} of {side}": reason
        for side, own in (("A", a), ("B", b))
        for name, reason in unmet(own.options, found.effective.get(side, {}), found.reasons.get(side, {})).items()
    }
