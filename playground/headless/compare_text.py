"""A comparison as text on stdout: both answers, a table, the verdict."""

from __future__ import annotations

from playground.bench.compare.diff import MARK, split_at_difference
from playground.bench.compare.rows import TITLES, difference, divergence, rows
from playground.bench.compare.runs import Comparison
from playground.headless.bench.table import print_table
from playground.text.plain import printable
from playground.text.sparkline import sparkline

SPARKS = 48


def print_comparison(found: Comparison, verdict: str, a: str, b: str) -> None:
    """Print the whole comparison."""
    texts = found.text("A"), found.text("B")
    for name, spelled, (same, rest) in zip("AB", (a, b), split_at_difference(*texts), strict=True):
        print(f"{name}  {spelled}\n{printable(same)}{MARK if rest else ''}{printable(rest)}\n")
    marked = f", marked {MARK}" if found.first_difference is not None else ""
    print(f"{difference(found)}{marked}")
    kl = found.divergence.kl
    print(f"KL/token {sparkline(kl, min(SPARKS, len(kl)))}  {divergence(found)}" if kl else divergence(found))
    print()
    print_table(TITLES, rows(found))
    print(f"\n{verdict}")
