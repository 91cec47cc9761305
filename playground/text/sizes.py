"""Bytes in binary units: in the unit that suits a figure, or from MiB up for figures that are compared."""

from __future__ import annotations

from playground.text.numbers import UNKNOWN, significant

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def format_bytes(count: float | None) -> str:
    """Three significant digits in the unit that suits: 812 B, 2.00 KiB, 7.24 MiB; – for None."""
    if count is None:
        return UNKNOWN
    amount, unit = _in_unit(count, "B")
    return f"{amount:.0f} B" if unit == "B" else f"{significant(amount)} {unit}"


def format_memory(count: float | None) -> str:
    """Three significant digits in MiB, GiB or TiB, three decimals below 1 MiB; – for None."""
    if count is None:
        return UNKNOWN
    if count == 0:
        return "0 MiB"
    amount, unit = _in_unit(count, "MiB")
    return f"{amount:.3f} MiB" if unit == "MiB" and abs(amount) < 1 else f"{significant(amount)} {unit}"


def _in_unit(count: float, least: str) -> tuple[float, str]:
    """(amount, unit): the first unit from `least` up that three digits suffice for."""
    at = UNITS.index(least)
    while abs(count) >= 999.5 * 1024**at and at + 1 < len(UNITS):
        at += 1
    return count / 1024**at, UNITS[at]


def format_share(count: int | None, total: int | None) -> str:
    """1.42 of 23.4 GiB: in the unit of the whole, so that a figure around 1 GiB does not change its unit."""
    whole = format_memory(total)
    if count is None or total is None:
        return f"{format_memory(count)} of {whole}"
    amount = count / 1024 ** UNITS.index(whole.partition(" ")[2])
    return f"{amount:.2f} of {whole}" if amount < 10 else f"{amount:#.3g}".rstrip(".") + f" of {whole}"
