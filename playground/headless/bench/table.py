"""A table on stdout: text columns aligned left, numbers right."""

from __future__ import annotations

from collections.abc import Sequence

from playground.text.plain import one_line


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Print rows under titles; `left`: how many columns, from the left, hold text."""
    cells = [[one_line(cell) for cell in row] for row in (titles, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        aligned = (
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(aligned).rstrip())
