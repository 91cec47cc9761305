"""Numbers with their units, three significant digits; – where there is no value."""

from __future__ import annotations

NONE = "–"


def format_seconds(seconds: float | None) -> str:
    """`18.4 ms` below a second, `2.05 s` above."""
    if seconds is None:
        return NONE
    return f"{_three(seconds)} s" if seconds >= 1 else f"{_three(seconds * 1000)} ms"


def format_rate(tokens_per_second: float | None) -> str:
    """`352 tok/s`."""
    return NONE if tokens_per_second is None else f"{_three(tokens_per_second)} tok/s"


def format_bytes(count: int) -> str:
    """`1.42 MiB`."""
    value, units = float(count), iter(("B", "KiB", "MiB", "GiB"))
    unit = next(units)
    while value >= 1024 and unit != "GiB":
        value, unit = value / 1024, next(units)
    return f"{count} B" if unit == "B" else f"{_three(value)} {unit}"


def format_count(count: int) -> str:
    """`1 204`."""
    return f"{count:,}".replace(",", " ")


def _three(value: float) -> str:
    if value >= 1000:
        return format_count(round(value))
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
