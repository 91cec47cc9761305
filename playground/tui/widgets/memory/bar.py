"""Shares of a whole as a bar of cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

LITTLE = "▏"


def bar_cells(shares: Sequence[float], width: int) -> list[int]:
    """Cells for each share of 1, rounded at their common borders: no overlap, no gap."""
    borders = [round(border * width) for border in accumulate(shares)]
    return [right - left for left, right in zip([0, *borders], borders, strict=False)]


def bar_parts(shares: Sequence[float], glyphs: str, width: int) -> list[str]:
    """The text of each share, `width` cells in all. A share too small for a cell is a thin stroke, at the cost of the
    largest."""
    cells = bar_cells(shares, width)
    parts = [glyph * count or LITTLE * (share > 0) for share, count, glyph in zip(shares, cells, glyphs, strict=True)]
    largest = max(range(len(parts)), key=cells.__getitem__)
    parts[largest] = parts[largest][: cells[largest] - (sum(map(len, parts)) - width)]
    return parts
