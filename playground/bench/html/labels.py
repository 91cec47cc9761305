"""Readable labels for the keys of a report: `intervals.1` is "pass@1, 95 % interval", `ttft.p50` is "TTFT p50"."""

from __future__ import annotations

from typing import Any

ABBREVIATIONS = {
    word: word.upper() for word in ("cer", "e2e", "itl", "kl", "kv", "rtf", "ser", "slo", "tpot", "tps", "ttft", "wer")
}
UNITS = {"s": "s", "ms": "ms", "bytes": "bytes"}
INTERVAL = "95 % interval"
SHARES = {"pass_at_k", "intervals", "agreement", "exact_match", "prefix_hit", "slo_share", "wer", "cer", "ser"}
ONE_OF_ITS_KIND = ("samples",)  # with one sample a task, its figures are shown as the task's


def label(name: str) -> str:
    """The label of a dotted name."""
    head, *rest = [part for part in name.split(".") if part not in ONE_OF_ITS_KIND] or [name]
    if head == "pass_at_k" and rest:
        return f"pass@{rest[0]}"
    if head == "tasks_at_k" and rest:
        return f"pass@{rest[0]}, tasks"
    if head == "intervals" and rest:
        return f"pass@{rest[0]}, {INTERVAL}"
    return " ".join(map(_words, (head, *rest)))


def share(name: str, value: Any) -> str | None:
    """A share of one, or the ends of its interval, in percent; None for other values."""
    if SHARES.isdisjoint(name.split(".")):
        return None
    if isinstance(value, float):
        return f"{100 * value:.3g} %"
    if isinstance(value, list) and len(value) == 2 and all(isinstance(each, float) for each in value):
        return f"{100 * value[0]:.3g} % to {100 * value[1]:.3g} %"
    return None


def _words(part: str) -> str:
    """`generation_s` becomes "generation, s"; names that are not identifiers stay unchanged."""
    if not part.replace("_", "").isalnum():
        return part
    *words, last = part.split("_")
    unit = f", {UNITS[last]}" if words and last in UNITS else ""
    return " ".join(ABBREVIATIONS.get(word, word) for word in (words if unit else [*words, last])) + unit
