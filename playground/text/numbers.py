"""Formats numbers everywhere: three significant digits, the unit next to them, – for unknown ones."""

from __future__ import annotations

UNKNOWN = "–"
THIN_SPACE = "\u2009"
SIGNIFICANT = 3


def significant(value: float | None) -> str:
    """Three significant digits; whole numbers from 1 000 on keep all of theirs: 0.0123, 1.23, 12.3, 123, 1 234."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    rounded = float(f"{value:.{SIGNIFICANT - 1}e}")
    if abs(rounded) >= 1000:
        return count(round(value))
    return f"{rounded:#.{SIGNIFICANT}g}".rstrip(".") if abs(rounded) >= 0.001 else f"{rounded:.2e}"


def count(value: int | None) -> str:
    """A whole number with a thin space between thousands: 1 042."""
    return UNKNOWN if value is None else f"{value:,}".replace(",", THIN_SPACE)


def seconds(value: float | None) -> str:
    """A duration with its unit, in milliseconds below one second: 18.4 ms, 1.90 s."""
    number, unit = split_seconds(value)
    return f"{number} {unit}".rstrip()


def split_seconds(value: float | None) -> tuple[str, str]:
    """(number, unit) of a duration, for big digits and for columns; no unit without a number."""
    if value is None:
        return UNKNOWN, ""
    # 999.5 ms would round to 1 000 ms
    return (significant(value), "s") if abs(value) >= 0.9995 else (significant(value * 1000), "ms")


def milliseconds(value: float | None) -> str:
    """A duration as a bare number of milliseconds, where the column names the unit."""
    return significant(None if value is None else value * 1000)


def rate(value: float | None, unit: str) -> str:
    """Events per second for copying: no separators, one decimal at least: 352.1 tok/s, 8.23 tok/s."""
    if value is None:
        return f"{UNKNOWN} {unit}"
    return f"{value:.1f} {unit}" if abs(value) >= 99.95 else f"{significant(value)} {unit}"


def format_kl(value: float | None) -> str:
    """A KL in nats per token: three decimals, or two digits if those would all be 0: 0.021, 2.0e-05."""
    if value is None:
        return UNKNOWN
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.3f}"


def percent(share: float | None) -> str:
    """A share of 0 .. 1 in whole per cent: 93 %. Shares just below 1 or above 0 are not rounded to 100 % or 0 %."""
    if share is None:
        return f"{UNKNOWN} %"
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        return "<1 %"
    return f"{whole} %"
