"""The report of a tokenizer: text by text, and by language."""

from __future__ import annotations

from collections.abc import Sequence

from playground.bench.report import UNDISTURBED, Conditions, Report, build_report, build_trust
from playground.bench.tokenizer.fertility import TextTokens, at_speed
from playground.session.fold import Fold

FORMULAS = ("Fertility", "Bytes per token", "Text speed", "TPS")


def tokenizer_report(
    counted: Sequence[TextTokens], tps: float | None, fold: Fold, conditions: Conditions = UNDISTURBED
) -> Report:
    """Report the counted texts, and the speed in tokens if it was measured."""
    items = at_speed(counted, tps)
    totals = {"texts": len(items), "decode_tps": tps, "by_language": _by_language(items)}
    trust = build_trust(fold, n=len(items), formulas=FORMULAS, start="warm", conditions=conditions)
    return build_report("tokenizer", fold, totals, items, trust)


def _by_language(items: Sequence[TextTokens]) -> dict[str, dict[str, float | None]]:
    """Totals over all texts of a language."""
    languages = dict.fromkeys(item.language for item in items)
    totals: dict[str, dict[str, float | None]] = {}
    for language in languages:
        own = [item for item in items if item.language == language]
        tokens, words = sum(item.tokens for item in own), sum(item.words for item in own)
        totals[language] = {
            "fertility": tokens / words if words else None,
            "bytes_per_token": sum(item.bytes for item in own) / tokens if tokens else None,
            "characters_per_token": sum(item.characters for item in own) / tokens if tokens else None,
        }
    return totals
