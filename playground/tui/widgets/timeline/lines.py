"""The lines of the timeline. Pure: a timeline and a size in, styled text out."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from rich.cells import cell_len
from textual.content import Content

from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sparkline import BARS
from playground.tui.state.timeline import WINDOW_S, Column, Timeline
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import spread

TPS, MARK = "$meaning-decode", "$foreground"
EIGHTHS = " " + BARS
SWITCH, ABOVE_SWITCH, LEFT_OUT, AXIS = "▴", "│", "┊", "─"
BESIDE_BARS = 2  # title and axis
LEAST_HEIGHT = BESIDE_BARS + 2
LONGEST_LABEL = 24


def lines(timeline: Timeline, width: int, height: int) -> list[Content]:
    """Title, bars, and the axis with its switches; nothing if there is too little room."""
    if height < LEAST_HEIGHT or width <= 0:
        return []
    columns = list(timeline.columns)[-width:]
    rates = [column.tps for column in columns]
    if timeline.running:
        rates[-1] = 0.0  # incomplete
    top = max(rates, default=0.0)
    bars = _bars(columns, rates, top, width, height - BESIDE_BARS)
    return [_title(top, width), *bars, _axis(columns, width)]


def _title(top: float, width: int) -> Content:
    right = Content.assemble(("top ", MUTED), (numbers.significant(top or None), MARK), (" tok/s", MUTED))
    return spread(Content.assemble(("Timeline", "bold"), ("  System TPS", MUTED)), right, width)


def _bars(columns: Sequence[Column], rates: Sequence[float], top: float, width: int, height: int) -> list[Content]:
    """Rows from the top down, in eighths of a cell; a rate above 0 is always visible."""
    eighths = [ceil(8 * height * rate / top) if top else 0 for rate in rates]
    return [_row(columns, [each - 8 * below for each in eighths], width) for below in reversed(range(height))]


def _row(columns: Sequence[Column], eighths: Sequence[int], width: int) -> Content:
    row = Content.styled("".join(map(_cell, columns, eighths)).rjust(width), TPS)
    for x, column in enumerate(columns, width - len(columns)):
        if column.left_out or column.mark:
            row = row.stylize(MARK if column.mark else MUTED, x, x + 1)
    return row


def _cell(column: Column, eighths: int) -> str:
    if eighths > 0:
        return EIGHTHS[min(8, eighths)]
    return ABOVE_SWITCH if column.mark else LEFT_OUT if column.left_out else " "


def _axis(columns: Sequence[Column], width: int) -> Content:
    """The length of the axis, and a label under the column of each switch."""
    seconds = (width - sum(column.left_out for column in columns)) * WINDOW_S
    span = f"{seconds:g} s "
    pieces, at = [(span, MUTED)], len(span)
    for start, text in sorted(_labels(columns, width, at)):
        pieces += [(AXIS * (start - at), MUTED), (text, f"bold {MARK}")]
        at = start + cell_len(text)
    return Content.assemble(*pieces, (AXIS * (width - at), MUTED))


def _labels(columns: Sequence[Column], width: int, left: int) -> list[tuple[int, str]]:
    """(column, text) of the labels, each to the side of its mark that has room. The newest is placed first; one without
    room is only its mark, or nothing."""
    taken, labels = set(range(left)), []
    for x, column in reversed(list(enumerate(columns, width - len(columns)))):
        label = one_line(column.mark, LONGEST_LABEL)
        for start, text in ((x, f"{SWITCH} {label}"), (x - cell_len(label) - 1, f"{label} {SWITCH}"), (x, SWITCH)):
            end = start + cell_len(text)
            if label and start >= 0 and end <= width and taken.isdisjoint(range(start, end)):
                labels.append((start, text))
                taken.update(range(start - 1, end + 1))
                break
    return labels
