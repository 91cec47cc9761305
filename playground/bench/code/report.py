"""The report of one run of the code suite."""

from __future__ import annotations

import msgspec

from playground.bench.code.suite import CodeSuite
from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.session.fold import Fold, span


def code_report(
    suite: CodeSuite,
    fold: Fold,
    model: str,
    conditions: Conditions = UNDISTURBED,
) -> Report:
    """Report a suite that has ended, however it ended; `fold` is that of the engine that answered."""
    seconds = span(list(fold.requests.values()))
    totals = suite.totals()
    if seconds:
        tokens = sum(request.output_tokens for request in fold.requests.values())
        totals = msgspec.structs.replace(totals, generation_s=seconds, tokens_per_second=tokens / seconds)
    trust = build_trust(
        fold,
        n=sum(len(item.samples) for item in suite.items),
        formulas=["pass@k", "System TPS"],
        conditions=conditions._replace(notes=[*conditions.notes, *suite.notes]),
    )
    return build_report("code", fold, totals, suite.items, trust, model=model)
