"""The report of teacher-forced scores, the speed next to them, and needles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from playground.bench.quality.figures import text_quality, total_quality
from playground.bench.quality.measure import Measured
from playground.bench.quality.recall import Recall
from playground.bench.quality.score import Job
from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.bench.tokenizer.fertility import SPEED
from playground.protocol.options import as_text
from playground.session.fold import Fold

FORMULAS = ("Perplexity", "Bits per byte", "KL", "Agreement", "A/A noise", "Recall", "TPS")


def quality_report(job: Job, measured: Measured, fold: Fold, conditions: Conditions = UNDISTURBED) -> Report:
    """Report the texts that were scored; the options are those of the job, whichever a needle had set."""
    scored = [each for each in measured.tallies if each.own.nll]
    total = total_quality(scored)
    totals: dict[str, Any] = {
        **msgspec.to_builtins(total),
        "window": job.window,
        "stride": job.stride,
        "windows": job.windows,
        "base_options": as_text(job.base) if job.base else None,
        "recall": measured.recalls,
        "decode_tps": measured.tps,
    }
    conditions = conditions._replace(notes=[*conditions.notes, *_unserved(measured.recalls)])
    trust = build_trust(fold, n=total.own.tokens, formulas=FORMULAS, start="warm", conditions=conditions)
    warm_up = f"{SPEED}0"
    timed = [request for name, request in fold.requests.items() if name.startswith(SPEED) and name != warm_up]
    report = build_report("quality", fold, totals, [text_quality(each) for each in scored], trust, timed=timed)
    return msgspec.structs.replace(report, options=as_text(job.options))


def _unserved(recalls: Sequence[Recall]) -> list[str]:
    """A line for each length at which needles failed, under whatever KV dtype."""
    notes = []
    for length in dict.fromkeys(each.length for each in recalls if each.failed):
        there = [each for each in recalls if each.length == length]
        failed, fault = sum(each.failed for each in there), next(each.fault for each in there if each.fault)
        asked = failed + sum(each.needles for each in there)
        notes.append(f"{failed} of {asked} needles of {length} tokens failed: {fault}")
    return notes
