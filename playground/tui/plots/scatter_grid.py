"""A scatter plot of characters: a letter per point, axes with numbers, the better corner named. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from playground.text.scale import Scale
from playground.tui.styles import MUTED

Part = tuple[str, str]
HERE = "●"


class Point(msgspec.Struct, frozen=True):
    """`label` is drawn next to it if there is room; `strong` points are bold and get their labels first; `name` says
    in full what it stands for, `group` what its letter does."""

    x: float
    y: float
    mark: str
    style: str
    label: str = ""
    strong: bool = False
    name: str = ""
    group: str = ""


class Axis(msgspec.Struct, frozen=True):
    """`text` writes a value with its unit; `low` means that less is better."""

    title: str
    text: Callable[[float], str]
    low: bool = False


def draw(points: Sequence[Point], x: Axis, y: Axis, width: int, height: int) -> list[list[Part]]:
    """`height` lines of (text, style) parts; none without points or below 20 x 5."""
    if not points or width < 20 or height < 5:
        return []
    across, up = Scale([point.x for point in points]), Scale([point.y for point in points])
    rows = height - 2
    ticks = {0: y.text(up.value(1.0)), rows // 2: y.text(up.value(0.5)), rows - 1: y.text(up.value(0.0))}
    gutter = max(map(len, ticks.values())) + 1
    columns = width - gutter - 1
    cells = _frame(columns, rows)
    _name_best(cells, _put_points(cells, points, across, up), x.low, y.low)
    lines: list[list[Part]] = []
    for row in range(rows):
        tick = ticks.get(row, "").rjust(gutter)
        lines.append([(tick + "│", MUTED), *merged(cells[row])])
    lines.append([(" " * gutter + "└" + "─" * columns, MUTED)])
    lines.append([(" " * (gutter + 1) + ruler(x, across, columns), MUTED)])
    return lines


def pointed_out(points: Sequence[Point], name: str) -> list[Point]:
    """The same points; the one of this name comes last, so it is drawn over the others and gets its label first."""
    others = [point for point in points if not name or point.name != name]
    here = [point for point in points if name and point.name == name]
    return others + [msgspec.structs.replace(point, mark=HERE, label=point.name, strong=True) for point in here]


def _frame(columns: int, rows: int) -> list[list[Part]]:
    """An empty plot with its middle lines."""
    cells: list[list[Part]] = [[(" ", "")] * columns for _ in range(rows)]
    for row in range(rows):
        cells[row][columns // 2] = ("┊", MUTED)
    cells[rows // 2] = [("┄", MUTED)] * columns
    cells[rows // 2][columns // 2] = ("┼", MUTED)
    return cells


def _name_best(cells: list[list[Part]], taken: set[tuple[int, int]], x_low: bool, y_low: bool) -> None:
    """Name the better corner, as far outside as nothing else is drawn."""
    word, row, half = " best ", len(cells) - 1 if y_low else 0, len(cells[0]) // 2
    starts = range(half - len(word)) if x_low else range(len(cells[0]) - len(word), half, -1)
    for start in starts:
        if not taken & {(row, start + index) for index in range(len(word))}:
            cells[row][start : start + len(word)] = [(character, f"italic {MUTED}") for character in word]
            break


def _put_points(cells: list[list[Part]], points: Sequence[Point], across: Scale, up: Scale) -> set[tuple[int, int]]:
    """Draw points, the strong ones over the others; then labels where they cover nothing. Returns the cells drawn."""
    rows, columns = len(cells), len(cells[0])
    places = []
    taken: set[tuple[int, int]] = set()
    for point in sorted(points, key=lambda point: point.strong):
        column = min(columns - 1, round(across.place(point.x) * (columns - 1)))
        row = min(rows - 1, round((1 - up.place(point.y)) * (rows - 1)))
        cells[row][column] = (point.mark, f"bold reverse {point.style}" if point.strong else point.style)
        taken.add((row, column))
        places.append((point, row, column))
    for point, row, column in reversed(places):
        for at_row, start in _label_places(point.label, row, column):
            spots = [(at_row, start + index) for index in range(len(point.label))]
            if 0 <= at_row < rows and start >= 0 and start + len(spots) <= columns and not taken & set(spots):
                for (each, at), character in zip(spots, point.label, strict=True):
                    cells[each][at] = (character, point.style)
                taken |= set(spots)
                break
    return taken


def _label_places(label: str, row: int, column: int) -> list[tuple[int, int]]:
    """Possible places of a label: right, left, below, above."""
    middle = column - len(label) // 2
    return [(row, column + 2), (row, column - len(label) - 1), (row + 1, middle), (row - 1, middle)] if label else []


def ruler(x: Axis, scale: Scale, columns: int) -> str:
    """The numbers under the plot, its title between them, or in place of the middle one if there is little room."""
    left, middle, right = (x.text(scale.value(place)) for place in (0.0, 0.5, 1.0))
    title = f"{x.title}{' (log)' if scale.logarithmic else ''}"
    line = list(" " * columns)
    for text, at in ((left, 0), (middle, columns // 2 - len(middle) // 2), (right, columns - len(right))):
        line[at : at + len(text)] = text
    free = columns // 2 + len(middle) // 2 + 2
    if free + len(title) + 1 < columns - len(right):
        line[free : free + len(title)] = title
    elif len(left) + len(title) + 4 < columns - len(right):
        line[len(left) : columns - len(right)] = title.center(columns - len(left) - len(right))
    return "".join(line[:columns])


def merged(cells: list[Part]) -> list[Part]:
    """Join neighbouring cells of one style into one part."""
    merged: list[Part] = []
    for text, style in cells:
        if merged and merged[-1][1] == style:
            merged[-1] = (merged[-1][0] + text, style)
        else:
            merged.append((text, style))
    return merged
