"""A comparison as text on stdout: both answers, a table, the verdict."""

from __future__ import annotations

from collections.abc import Callable

from playground.bench.compare.diff import split_at_difference
from playground.bench.compare.runs import Comparison, Figure
from playground.bench.compare.verdict import format_kl, word
from playground.headless.bench.table import print_table
from playground.telemetry.ledger import format_bytes
from playground.tui.numbers import percent, seconds, significant
from playground.tui.plain_text import printable
from playground.tui.widgets.sparkline import sparkline

SPARKS = 48


def print_comparison(found: Comparison, verdict: str, a: str, b: str) -> None:
    """Everything."""
    texts = found.text("A"), found.text("B")
    for name, spelled, (same, rest) in zip("AB", (a, b), split_at_difference(*texts), strict=True):
        print(f"{name}  {spelled}\n{printable(same)}{'▶' if rest else ''}{printable(rest)}\n")
    at = found.first_difference
    print("the same tokens" if at is None else f"first difference at token {at + 1}, marked ▶")
    _print_divergence(found)
    rows = [
        _row("TTFT", found.ttft, seconds, "later", "sooner"),
        _row("TPS", found.tps, significant, "faster", "slower"),
        _row("KV/token", found.kv, _bytes, "larger", "smaller"),
        _row("weights", found.weight_bytes, _bytes, "larger", "smaller"),
    ]  # fmt: skip
    print()
    print_table(("", "A", "B", "delta", "noise", ""), rows)
    print(f"\n{verdict}")


def _print_divergence(found: Comparison) -> None:
    divergence = found.divergence
    if divergence.kl_mean is None:
        print(f"KL –  {divergence.reason}".rstrip())
        return
    ranks = [rank for rank in divergence.rank if rank]
    print(
        f"KL/token {sparkline(divergence.kl, min(SPARKS, len(divergence.kl)))}  mean {format_kl(divergence.kl_mean)}"
        f"  A/A {format_kl(divergence.noise)}  same first choice {percent(divergence.agreement)}"
        f"  worst rank of A's token {max(ranks, default=0) + 1}"
    )


def _row(
    name: str, figure: Figure, write: Callable[[float | None], str], more: str, less: str
) -> tuple[str, str, str, str, str, str]:
    return name, write(figure.a), write(figure.b), delta(figure), spread(figure), word(figure, more, less)


def delta(figure: Figure) -> str:
    """The change with its sign: ▲ 3 %, ▼ 71 %."""
    if figure.change is None:
        return "–"
    sign = "▲" if figure.change > 0 else "▼" if figure.change < 0 else "="
    return f"{sign} {percent(abs(figure.change))}"


def spread(figure: Figure) -> str:
    """The noise beside it."""
    return "exact" if figure.noise is None else f"±{percent(figure.noise)}"


def _bytes(count: float | None) -> str:
    """Few bytes are told in KiB: what one token takes."""
    if count is None:
        return "–"
    return format_bytes(count) if count >= 2**20 else f"{significant(count / 1024)} KiB"
