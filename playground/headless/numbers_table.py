"""The numbers of a run as a short table on stderr, coloured if that is a terminal."""

from __future__ import annotations

import sys

from playground.headless.summary import Totals, summarize
from playground.session.drafts import DraftCounts
from playground.session.fold import Fold, Generated
from playground.session.verified import UNVERIFIED, verified
from playground.text.numbers import UNKNOWN, count, percent, rate, seconds, significant
from playground.text.sizes import format_memory

COLUMNS = ("", "tokens", "TTFT", "queue", "load", "prefill", "TPS", "TPOT", "ITL p50", "ITL p99", "E2E", "end")


def print_numbers(fold: Fold) -> None:
    """Print one row per request and a line of totals; nothing if no step ran."""
    if fold.last_step < 0:
        return
    rows = [_row(request) for request in fold.requests.values()]
    lines = [_total_line(summarize(fold).totals), *_draft_line(fold.drafts), *_verified_line(fold)]
    totals = "\n".join([*lines, ", ".join(fold.disturbed)]).rstrip()
    if sys.stderr.isatty():
        _print_rich(rows, totals)
    else:
        _print_plain(rows, totals)


def _row(request: Generated) -> tuple[str, ...]:
    tokens, finished = count(request.output_tokens), request.finished
    if not finished:
        return (request.request_id, tokens, *[UNKNOWN] * (len(COLUMNS) - 2))
    metrics = finished.metrics
    if not request.counted:
        tokens = f"{count(metrics.chunks)} chunks"
    parts = (metrics.ttft_s, metrics.queue_s, metrics.load_s, metrics.prefill_s)
    gaps = (metrics.tpot_s, metrics.itl_p50_s, metrics.itl_p99_s, metrics.e2e_s)
    tps = rate(metrics.decode_tps, "tok/s")
    return (request.request_id, tokens, *map(seconds, parts), tps, *map(seconds, gaps), finished.reason)


def _total_line(totals: Totals) -> str:
    return (
        f"{count(totals.output_tokens)} tokens in {seconds(totals.seconds)}, {rate(totals.tokens_per_second, 'tok/s')}"
        f"   steps {count(totals.steps or None)}   occupancy {percent(totals.occupancy)}"
        f"   Memory KV {format_memory(totals.kv_bytes_peak or None)}   load {seconds(totals.load_seconds)}"
    )


def _draft_line(drafts: DraftCounts) -> list[str]:
    """Accepted drafts, if there were any."""
    if not drafts.proposed:
        return []
    places = " ".join(percent(place) for place in drafts.by_position)
    return [
        f"drafts {count(sum(drafts.accepted))} of {count(sum(drafts.proposed))} accepted, {percent(drafts.share)}"
        f"   by position {places}   {significant(drafts.length)} tokens a drafted row"
    ]


def _verified_line(fold: Fold) -> list[str]:
    """Whether the engine's first answers match a reference, and with what it compared; empty for engines that do not
    compare."""
    words, facts = verified(fold.effective), fold.effective.get("verified_facts", "")
    return [words if words.startswith(UNVERIFIED) else f"{words}: {facts}"] if words else []


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
