"""The lines of the memory panel. Pure: a ledger and a width in, styled text out."""

from __future__ import annotations

from textual.content import Content

from playground.protocol.machine import GpuSample
from playground.telemetry.ledger import Ledger, Row, Shares
from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sizes import format_memory, format_share
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import leading_parts, spread
from playground.tui.widgets.memory.bar import bar_parts

LEGEND = {"weights": "█", "KV used": "▓", "other": "▒"}
COLOURS = ("$secondary", "$primary", MUTED, f"{MUTED} 60%")
NOT_ROWS = ("device used", "KV reserved")
LABEL_WIDTH, BYTES_WIDTH = 12, 9


def title(device: str, width: int) -> Content:
    """The title and the device."""
    return spread(Content.styled("Memory", "bold"), Content.assemble(("device ", MUTED), one_line(device)), width)


def headline(ledger: Ledger, width: int) -> list[Content]:
    """Used of total, and the bar: all that fits into little room."""
    used = Content.assemble(("Memory ", MUTED), format_share(ledger.used, ledger.total))
    return [used, bar(ledger.shares, width)]


def bar_line(ledger: Ledger, width: int) -> Content:
    """The bar, and used of total next to it."""
    figure = f"  {format_share(ledger.used, ledger.total)}"
    return Content.assemble(bar(ledger.shares, width - len(figure)), figure)


def bar(shares: Shares | None, width: int) -> Content:
    """The bar of weights, KV used, other, free; blank if they are unknown."""
    if shares is None:
        return Content(" " * width)
    known = (shares.weights, shares.kv_used, shares.other, shares.free)
    parts = bar_parts(known, "".join(LEGEND.values()) + "░", width)
    return Content.assemble(*zip(parts, COLOURS, strict=True))


def rows(ledger: Ledger, width: int) -> list[Content]:
    """A line per figure, the parts of the bar first; a note that does not fit loses its last parts."""
    shown = [row for row in ledger.rows if row.label not in NOT_ROWS]
    return [_row(row, width) for row in sorted(shown, key=lambda row: row.label not in LEGEND)]


def gpu_line(gpu: GpuSample | None, ledger: Ledger, width: int) -> Content:
    """The state of the GPU, or why there is none."""
    if gpu is None:
        return Content.styled(leading_parts(f"GPU: {ledger.reason or 'not used by this engine'}", " ", width), MUTED)
    board = gpu.board
    parts = [gpu.name or "GPU"]
    if board.utilization_percent is not None:
        parts.append(f"{board.utilization_percent} %")
    if board.power_watts is not None:
        parts.append(f"{numbers.significant(board.power_watts)} W")
    if board.temperature_celsius is not None:
        parts.append(f"{board.temperature_celsius} °C")
    throttled = f"  throttled: {', '.join(board.throttle)}" if board.throttle else ""
    line = leading_parts(" · ".join(parts), " · ", width - len(throttled))
    return Content.assemble((line, MUTED), (throttled, "$warning"))


def _row(row: Row, width: int) -> Content:
    glyph = LEGEND.get(row.label, " ")
    colour = COLOURS[list(LEGEND).index(row.label)] if row.label in LEGEND else MUTED
    note = leading_parts(row.note, " · ", width - LABEL_WIDTH - BYTES_WIDTH - 2)
    figure = f"{format_memory(row.bytes):>{BYTES_WIDTH}}  "
    return Content.assemble((glyph, colour), (f" {row.label:<{LABEL_WIDTH - 2}}", MUTED), figure, (note, MUTED))
