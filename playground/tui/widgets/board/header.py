"""The board's first line: the newest step, occupancy and waste of the visible steps, the queue; or the cursor's cell.
If there is room, the legend of its glyphs, or its keys."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment
from textual.strip import Strip

from playground.protocol.server import ServerMeasured
from playground.text import numbers
from playground.tui.board import text as board_text
from playground.tui.board.model import Usage
from playground.tui.board.viewport import Viewport
from playground.tui.widgets.board.cells import LEGEND, MERGED_LEGEND, CellStyles
from playground.tui.widgets.fitting import cut

KEYS = "space pause  +- zoom  ←→ look  z maximize"
GAP = "   "


def header(view: Viewport, title: str, width: int, styles: CellStyles, focused: bool) -> Strip:
    """The line, exactly `width` cells. Every figure keeps its place while it changes."""
    segments = [Segment(f" {title}", styles.title), *_body(view, styles)]
    strip = Strip(segments)
    hint = f" {KEYS if focused else legend(view)} "
    room = width - strip.cell_length
    if room >= len(hint):
        strip = Strip([*strip, Segment(hint.rjust(room), styles.faint)])
    return cut(strip, width).adjust_cell_length(width, styles.text)


def legend(view: Viewport) -> str:
    """What each glyph means; several requests in a column only where columns are merged."""
    return MERGED_LEGEND if view.zoom > 1 or view.seconds else LEGEND


def _body(view: Viewport, styles: CellStyles) -> Iterator[Segment]:
    if view.cursor:
        yield Segment(GAP + board_text.cell(view.model, view.scale, *view.cursor), styles.text)
        return
    yield from _figure("step", board_text.newest_step(view.model), 5, styles)
    for label, value in _server(view.model.server) if view.model.server else _slots(view.usage()):
        yield from _figure(label, value, 5, styles)
    yield from _figure("waiting", board_text.waiting(view.model), 5, styles)
    if view.zoom > 1 or view.seconds:
        wide = f"{view.zoom} steps" if view.seconds is None else numbers.seconds(view.zoom * view.seconds)
        yield Segment(f"{GAP}1 column = {wide}", styles.faint)
    if view.still:
        newer = view.newer()
        yield Segment(f"{GAP}paused" + (f", {numbers.count(newer)} newer" if newer else ""), styles.alert)


def _slots(usage: Usage) -> list[tuple[str, str]]:
    return [("occupancy", numbers.percent(usage.occupancy)), ("waste", numbers.percent(usage.waste))]


def _server(measured: ServerMeasured) -> list[tuple[str, str]]:
    """Figures of a server over all its clients. It reports no slots, so there is neither occupancy nor waste."""
    counts = [_count(measured.running), _count(measured.waiting)]
    shares = {"KV": measured.kv_usage, "prefix hits": measured.prefix_hits, "accepted": measured.acceptance}
    return [
        ("server runs", " + ".join(counts) + " waiting"),
        *((label, numbers.percent(share)) for label, share in shares.items() if share is not None),
    ]


def _count(value: float | None) -> str:
    return numbers.count(None if value is None else round(value))


def _figure(label: str, value: str, width: int, styles: CellStyles) -> Iterator[Segment]:
    yield Segment(f"{GAP}{label} ", styles.faint)
    yield Segment(value.ljust(width), styles.text)
