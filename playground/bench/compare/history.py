"""A comparison as two runs of the history, one per side."""

from __future__ import annotations

from playground import paths
from playground.bench.compare.comparison import ComparisonPlan
from playground.bench.compare.runs import Comparison
from playground.bench.compare.side_spec import SideSpec
from playground.bench.report import PREFIX_KEPT, Conditions
from playground.protocol.commands import SamplingParams
from playground.protocol.comparison import SideName
from playground.protocol.percentiles import median_of_known
from playground.session.fold import unmet
from playground.session.history.run import TITLE, Run, disturbances, non_defaults, not_as_requested

KIND, MEASURE = "compare", "KL"


def comparison_runs(
    found: Comparison, sides: tuple[SideSpec, SideSpec], plan: ComparisonPlan, conditions: Conditions, at: float
) -> list[Run]:
    """One run per side that ran; `at`: when the comparison ended, in Unix seconds. B's quality is its KL from A."""
    names: tuple[SideName, SideName] = ("A", "B")
    return [
        _run(found, name, side, plan, conditions, at) for name, side in zip(names, sides, strict=True) if found.of(name)
    ]


def _run(
    found: Comparison, name: SideName, side: SideSpec, plan: ComparisonPlan, conditions: Conditions, at: float
) -> Run:
    runs, kl = found.of(name), found.divergence.kl_mean if name == "B" else None
    effective = found.effective.get(name, {})
    return Run(
        at=at,
        kind=KIND,
        model=paths.model_name(side.load.model or found.models.get(name, "")),
        model_path=side.load.url.rstrip("/") or side.load.model,
        engine=side.engine,
        title=" ".join(plan.prompt.split())[:TITLE],
        prompt=plan.prompt,
        chat=plan.chat,
        sampling=SamplingParams(max_tokens=plan.max_tokens),
        options=non_defaults(side.options),
        effective=effective,
        flags=[*_flags(side, effective, found.reasons.get(name, {}), conditions), *_notes(found, name)],
        requests=len(runs),
        prompt_tokens=sum(run.tokens - len(run.token_ids) + 1 for run in runs if run.token_ids),
        output_tokens=sum(len(run.token_ids) for run in runs),
        ttft_s=median_of_known(run.ttft_s for run in runs),
        tps=median_of_known(run.decode_tps for run in runs),
        kv_bytes=max(run.kv_bytes for run in runs) or None,
        weights_bytes=found.weights.get(name),
        quality=kl,
        measure=MEASURE if kl is not None else "",
    )


def _notes(found: Comparison, name: SideName) -> list[str]:
    count = found.divergence.likeliest
    bound = [f"KL at least, of the {count} likeliest ids"] if count and name == "B" else []
    return [*bound, PREFIX_KEPT] if name in found.prefix_kept else bound


def _flags(side: SideSpec, effective: dict[str, str], reasons: dict[str, str], conditions: Conditions) -> list[str]:
    return [
        *not_as_requested(unmet(side.options, effective, reasons), effective),
        *disturbances(conditions.throttled, conditions.other_processes),
        *conditions.notes,
    ]
