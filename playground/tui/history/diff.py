"""One run in full, or the differences of two: rows of printable text."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from playground.protocol.options import DEFAULTS, as_text
from playground.session.history.run import Run
from playground.text import numbers
from playground.text.numbers import UNKNOWN
from playground.text.plain import one_line
from playground.text.sizes import format_memory
from playground.tui.history.columns import described_quality, lower_is_better, when
from playground.tui.sampling_fields import in_short

CELL = 60


class DiffRow(msgspec.Struct, frozen=True):
    """`change` is b against a; `better` says whether it is an improvement, None if neither."""

    label: str
    a: str
    b: str
    change: str = ""
    better: bool | None = None

    @property
    def differs(self) -> bool:
        """Whether a and b differ."""
        return self.a != self.b


Figure = tuple[str, Callable[[Run], float | None], Callable[[float | None], str], bool]
FIGURES: tuple[Figure, ...] = (
    ("TTFT", lambda run: run.ttft_s, numbers.seconds, True),
    ("TPS", lambda run: run.tps, lambda value: numbers.rate(value, "tok/s"), False),
    ("System TPS", lambda run: run.system_tps, lambda value: numbers.rate(value, "tok/s"), False),
    ("Memory", lambda run: run.memory_bytes, lambda value: format_memory(_whole(value)), True),
    ("KV", lambda run: run.kv_bytes, lambda value: format_memory(_whole(value)), True),
    ("weights", lambda run: run.weights_bytes, lambda value: format_memory(_whole(value)), True),
)


def diff(a: Run, b: Run | None = None) -> list[DiffRow]:
    """Rows for one run, or for two; without figures that neither has, and toggles at their default in both."""
    other = b or a
    rows = [_text(label, a, other, text) for label, text in _HEAD]
    rows += [_figure(figure, a, other) for figure in FIGURES]
    rows.append(_quality(a, other))
    rows += [_text(label, a, other, text) for label, text in _TAIL]
    rows += _options(a, other)
    rows += _versions(a.versions, other.versions)
    return [row for row in rows if not {row.a, row.b} <= {UNKNOWN, ""}]


_HEAD: tuple[tuple[str, Callable[[Run], str]], ...] = (
    ("when", when),
    ("kind", lambda run: run.kind),
    ("model", lambda run: run.model),
    ("engine", lambda run: run.engine),
    ("prompt", lambda run: run.title),
    ("sampling", lambda run: "" if run.sampling is None else in_short(run.sampling, CELL) or "defaults"),
    ("requests", lambda run: numbers.count(run.requests)),
    ("tokens", lambda run: f"{numbers.count(run.prompt_tokens or None)} in, {numbers.count(run.output_tokens)} out"),
)
_TAIL: tuple[tuple[str, Callable[[Run], str]], ...] = (
    ("flags", lambda run: ", ".join(run.flags)),
    ("tags", lambda run: " ".join(run.tags)),
)


def _text(label: str, a: Run, b: Run, text: Callable[[Run], str]) -> DiffRow:
    return DiffRow(label, one_line(text(a), CELL) or UNKNOWN, one_line(text(b), CELL) or UNKNOWN)


def _figure(figure: Figure, a: Run, b: Run) -> DiffRow:
    label, value, text, less_is_better = figure
    before, after = value(a), value(b)
    change, better = _change(before, after, less_is_better)
    return DiffRow(
        label,
        text(before) if before is not None else UNKNOWN,
        text(after) if after is not None else UNKNOWN,
        change,
        better,
    )


def _quality(a: Run, b: Run) -> DiffRow:
    same = a.measure == b.measure
    change, better = _change(a.quality, b.quality, lower_is_better(a.measure)) if same else ("", None)
    return DiffRow("quality", described_quality(a) or UNKNOWN, described_quality(b) or UNKNOWN, change, better)


def _change(before: float | None, after: float | None, less_is_better: bool) -> tuple[str, bool | None]:
    """The change in per cent, and whether it is better. Of two single runs no spread is known: never significant."""
    if before is None or after is None or before == after or not before:
        return "", None
    share = after / before - 1
    arrow = "▲" if share > 0 else "▼"
    return f"{arrow} {numbers.percent(abs(share))}", (share < 0) == less_is_better


def _options(a: Run, b: Run) -> list[DiffRow]:
    """Rows for the options: as effective if the engine reported it, else as requested."""
    defaults = as_text(DEFAULTS)
    rows = []
    for name in dict.fromkeys((*defaults, *a.effective, *b.effective)):
        was, now = (each.effective.get(name, each.options.get(name, defaults.get(name, ""))) for each in (a, b))
        if was != now or name in a.options or name in b.options:
            rows.append(DiffRow(name, one_line(was, CELL), one_line(now, CELL)))
    return rows


def _versions(a: dict[str, str], b: dict[str, str]) -> list[DiffRow]:
    return [
        DiffRow(
            one_line(name, 20),
            one_line(a.get(name, UNKNOWN), CELL),
            one_line(b.get(name, UNKNOWN), CELL),
        )
        for name in dict.fromkeys((*a, *b))
    ]


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
