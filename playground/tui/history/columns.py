"""The columns of the history's table: title, width, text. Foreign text is made printable here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from playground.protocol.options import TOGGLES
from playground.session.history.query import Sort
from playground.session.history.run import Run
from playground.text import numbers
from playground.text.plain import one_line
from playground.text.sizes import format_memory

LOWER_IS_BETTER = ("perplexity", "bits", "nats", "KL", "WER", "CER", "SER")
SHORT = {"bits per byte": "bits/B", "perplexity": "PPL"}


class Column(msgspec.Struct, frozen=True):
    """`least`: the width of the table from which the column is shown. Columns that grow share the remaining width."""

    title: str
    width: int
    text: Callable[[Run], str]
    sort: Sort | None = None
    right: bool = False
    least: int = 0
    grows: bool = False


def when(run: Run) -> str:
    """Local time, to the minute."""
    return datetime.fromtimestamp(run.at).strftime("%m-%d %H:%M")


def quality(run: Run) -> str:
    """`pass@1 0.75`, the measure shortened."""
    measure = one_line(SHORT.get(run.measure, run.measure), 6)
    return f"{measure} {numbers.significant(run.quality)}".lstrip() if run.quality is not None else numbers.UNKNOWN


def options(run: Run) -> str:
    """The options that are not the defaults, by the labels of their toggles."""
    spelled = [f"{_label(name)} {value}" for name, value in run.options.items()]
    return one_line(", ".join(spelled)) or "defaults"


def described_quality(run: Run) -> str:
    """`pass@1 0.75`; empty if nothing was judged."""
    return f"{one_line(run.measure, 20)} {numbers.significant(run.quality)}" if run.quality is not None else ""


def lower_is_better(measure: str) -> bool:
    """Whether lower is better in this measure of quality."""
    return any(name.lower() in measure.lower() for name in LOWER_IS_BETTER)


COLUMNS = (
    Column("when", 11, when, "at"),
    Column("kind", 12, lambda run: one_line(run.kind, 12), "kind", least=120),
    Column("engine", 12, lambda run: one_line(run.engine, 12), least=120),
    Column("model", 15, lambda run: one_line(run.model, 80), "model", grows=True),
    Column("options", 17, options, grows=True),
    Column("TTFT", 8, lambda run: numbers.seconds(run.ttft_s), "ttft_s", right=True),
    Column("TPS", 6, lambda run: numbers.significant(run.tps), "tps", right=True),
    Column("Memory", 9, lambda run: format_memory(run.memory_bytes), "memory_bytes", right=True),
    Column("KV", 9, lambda run: format_memory(run.kv_bytes), "kv_bytes", right=True, least=100),
    Column("quality", 13, quality, "quality", right=True),
    Column("flags", 24, lambda run: one_line(", ".join(run.flags), 80), least=140, grows=True),
    Column("tags", 12, lambda run: one_line(" ".join(run.tags), 12), least=160),
)


def shown(width: int) -> list[tuple[Column, int]]:
    """The columns that a table of this width shows, with their widths; there is a blank between two."""
    columns = [column for column in COLUMNS if width >= column.least]
    room = width - sum(column.width + 1 for column in columns) + 1
    more = room // max(1, sum(column.grows for column in columns))
    return [(column, column.width + (more if column.grows else 0)) for column in columns]


def _label(name: str) -> str:
    return TOGGLES[name].label if name in TOGGLES else name
