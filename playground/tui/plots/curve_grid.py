"""Curves out of characters on one pair of axes, logarithmic where values span more than an order of magnitude. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from playground.text.scale import Scale
from playground.tui.plots.scatter_grid import DIM, Axis, Part, merged, ruler

LEAST_WIDTH, LEAST_HEIGHT = 24, 5


class Curve(msgspec.Struct, frozen=True):
    """Points in the order of x; `mark` stands at each, dots join them."""

    points: Sequence[tuple[float, float]]
    mark: str
    style: str
    joined: bool = True


def draw_curves(curves: Sequence[Curve], x: Axis, y: Axis, width: int, height: int) -> list[list[Part]]:
    """Lines of (text, style), `height` of them; none where there is nothing to see or no room."""
    points = [point for curve in curves for point in curve.points]
    if not points or width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return []
    across, up = Scale([x for x, _ in points]), Scale([y for _, y in points])
    rows = height - 2
    ticks = {0: y.text(up.value(1.0)), rows // 2: y.text(up.value(0.5)), rows - 1: y.text(up.value(0.0))}
    gutter = max(map(len, ticks.values())) + 1
    columns = width - gutter - 1
    cells: list[list[Part]] = [[(" ", "")] * columns for _ in range(rows)]
    for curve in curves:
        _put(cells, curve, across, up)
    title = y.title + (" (log)" if up.logarithmic else "")
    _write(cells[0], 1, title, DIM)
    lines: list[list[Part]] = [
        [(ticks.get(row, "").rjust(gutter) + "│", DIM), *merged(cells[row])] for row in range(rows)
    ]
    lines.append([(" " * gutter + "└" + "─" * columns, DIM)])
    lines.append([(" " * (gutter + 1) + ruler(x, across, columns), DIM)])
    return lines


def _put(cells: list[list[Part]], curve: Curve, across: Scale, up: Scale) -> None:
    places = [_place(cells, across.place(x), up.place(y)) for x, y in curve.points]
    for (row, column), (next_row, next_column) in itertools.pairwise(places):
        for at in range(column + 1, next_column) if curve.joined else ():
            share = (at - column) / (next_column - column)
            cells[round(row + share * (next_row - row))][at] = ("·", curve.style)
    for row, column in places:
        cells[row][column] = (curve.mark, curve.style)


def _place(cells: list[list[Part]], across: float, up: float) -> tuple[int, int]:
    rows, columns = len(cells), len(cells[0])
    row, column = round((1 - up) * (rows - 1)), round(across * (columns - 1))
    return min(rows - 1, max(0, row)), min(columns - 1, max(0, column))


def _write(cells: list[Part], at: int, text: str, style: str) -> None:
    """Only where nothing stands yet."""
    for index, character in enumerate(text):
        if at + index < len(cells) and cells[at + index][0] == " ":
            cells[at + index] = (character, style)
