"""Bytes in binary units: in the unit that suits a figure, or from MiB up for figures that are compared."""

from __future__ import annotations

from playground.text.numbers import UNKNOWN, significant

_MEMORY_UNITS = {"MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def in_unit(count: float) -> tuple[float, str]:
    """(amount, unit) in the first unit with less than 1 000, GiB at most."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1000:
            return count, unit
        count /= 1024
    return count, "GiB"


def size(count: float | None) -> str:
    """Bytes in the unit that suits: 812 B, 2.00 KiB, 7.24 MiB."""
    if count is None:
        return UNKNOWN
    amount, unit = in_unit(count)
    return f"{amount:.0f} B" if unit == "B" else f"{significant(amount)} {unit}"


def format_bytes(count: float | None) -> str:
    """Three significant digits in MiB, GiB or TiB, three decimals below 1 MiB; – for None."""
    if count is None:
        return UNKNOWN
    if count == 0:
        return "0 MiB"
    amount, unit = count / (1 << 20), "MiB"
    for larger in ("GiB", "TiB"):
        if amount >= 999.5:
            amount, unit = amount / 1024, larger
    digits = f"{amount:.3f}" if amount < 1 else f"{amount:#.3g}".rstrip(".")
    return f"{digits} {unit}"


def format_share(count: int | None, total: int | None) -> str:
    """1.42 of 23.4 GiB: in the unit of the whole, so that a figure around 1 GiB does not change its unit."""
    whole = format_bytes(total)
    unit = _MEMORY_UNITS.get(whole.partition(" ")[2])
    if count is None or unit is None:
        return f"{format_bytes(count)} of {whole}"
    amount = count / unit
    return f"{amount:.2f} of {whole}" if amount < 10 else f"{amount:#.3g}".rstrip(".") + f" of {whole}"
