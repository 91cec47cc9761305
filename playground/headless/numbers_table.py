"""The numbers of a run as a short table on stderr, coloured where that is a terminal."""

from __future__ import annotations

import sys

from playground.headless.fold import Fold, Generated
from playground.headless.quantity import format_bytes, format_count, format_rate, format_seconds
from playground.headless.summary import summarize

COLUMNS = ("", "tokens", "TTFT", "queue", "load", "prefill", "TPS", "TPOT", "ITL p50", "ITL p99", "E2E", "end")


def print_numbers(fold: Fold) -> None:
    """One row a request, then one line of totals; nothing where nothing ran."""
    if not fold.steps:
        return
    rows = [_row(request) for request in fold.requests.values()]
    if sys.stderr.isatty():
        _print_rich(rows, _totals(fold))
    else:
        _print_plain(rows, _totals(fold))


def _row(request: Generated) -> tuple[str, ...]:
    tokens = format_count(len(request.token_ids))
    if not request.finished:
        return (request.request_id, tokens, *["–"] * (len(COLUMNS) - 2))
    metrics = request.finished.metrics
    seconds = (
        metrics.ttft_s,
        metrics.queue_s,
        metrics.load_s,
        metrics.prefill_s,
        metrics.tpot_s,
        metrics.itl_p50_s,
        metrics.itl_p99_s,
        metrics.e2e_s,
    )
    times = [format_seconds(value) for value in seconds]
    return (
        request.request_id,
        tokens,
        *times[:4],
        format_rate(metrics.decode_tps),
        *times[4:],
        request.finished.reason,
    )


def _totals(fold: Fold) -> str:
    totals = summarize(fold).totals
    occupancy = "–" if totals.occupancy is None else f"{100 * totals.occupancy:.0f} %"
    return (
        f"{format_count(totals.output_tokens)} tokens in {format_seconds(totals.seconds)}: "
        f"{format_rate(totals.tokens_per_second)}   steps {format_count(totals.steps)}   occupancy {occupancy}   "
        f"Memory KV {format_bytes(totals.kv_bytes_peak)}   load {format_seconds(totals.load_seconds)}"
    )


def _print_plain(rows: list[tuple[str, ...]], totals: str) -> None:
    widths = [max(map(len, cells)) for cells in zip(COLUMNS, *rows, strict=True)]
    for cells in (COLUMNS, *rows):
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), file=sys.stderr)
    print(totals, file=sys.stderr)


def _print_rich(rows: list[tuple[str, ...]], totals: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", padding=(0, 1))
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(stderr=True)
    console.print(table)
    console.print(Text(totals, style="dim"))
