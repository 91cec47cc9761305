"""A comparison as rows of text: figures with delta and noise, and the distributions in one line."""

from __future__ import annotations

from collections.abc import Callable

from playground.bench.compare.runs import Comparison, Figure
from playground.bench.compare.verdict import word
from playground.text.numbers import UNKNOWN, format_kl, percent, seconds, significant
from playground.text.sizes import format_bytes

TITLES = ("", "A", "B", "delta", "noise", "")
Row = tuple[str, str, str, str, str, str]


def rows(found: Comparison) -> list[Row]:
    """The rows of TTFT, TPS, cache and weights."""
    return [
        _row("TTFT", found.ttft, seconds, "later", "sooner"),
        _row("TPS", found.tps, significant, "faster", "slower"),
        _kv_row(found.kv),
        _row("weights", found.weight_bytes, format_bytes, "larger", "smaller"),
    ]


def difference(found: Comparison) -> str:
    """Where the texts part; empty before both exist."""
    if not (found.of("A") and found.of("B")):
        return ""
    at = found.first_difference
    return f"the same {found.unit}s" if at is None else f"first difference at {found.unit} {at + 1}"


def divergence(found: Comparison) -> str:
    """Means of the distributions, or why there are none."""
    own = found.divergence
    if own.kl_mean is None:
        return f"no KL: {own.reason}" if own.reason else ""
    least, of = ("≥ ", f" of {own.likeliest} likeliest ids") if own.likeliest else ("", "")
    return (
        f"mean {least}{format_kl(own.kl_mean)}{of}  A/A {format_kl(own.noise)}"
        f"  same first choice {percent(own.agreement)}  worst rank of A's token {max(own.rank) + 1}"
    )


def _kv_row(figure: Figure) -> Row:
    """What the last block of answers of unequal length may add is no noise of runs."""
    if not figure.noise:
        return _row("KV/token", figure, format_bytes, "larger", "smaller")
    said = "block rounding" if not figure.differs else "larger" if (figure.change or 0.0) > 0 else "smaller"
    return "KV/token", format_bytes(figure.a), format_bytes(figure.b), _delta(figure), _noise(figure), said


def _row(name: str, figure: Figure, write: Callable[[float | None], str], more: str, less: str) -> Row:
    return name, write(figure.a), write(figure.b), _delta(figure), _noise(figure), word(figure, more, less)


def _noise(figure: Figure) -> str:
    if figure.noise is None:
        return "unknown"
    if figure.a is None and figure.b is None:
        return UNKNOWN
    return f"±{percent(figure.noise)}" if figure.noise else "exact"


def _delta(figure: Figure) -> str:
    """The change with its sign: ▲ 3 %, ▼ 71 %."""
    if figure.change is None:
        return UNKNOWN
    sign = "▲" if figure.change > 0 else "▼" if figure.change < 0 else "="
    return f"{sign} {percent(abs(figure.change))}"
