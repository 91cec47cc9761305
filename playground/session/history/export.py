"""Runs as JSON, CSV and Markdown, each with the definitions of its numbers. Text of models and files is escaped."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from playground.protocol.metrics import FORMULAS
from playground.session.history.run import Run, spell_options

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SAID = ("TTFT", "TPS", "System TPS", "KV", "Memory")
_MARKUP = re.compile(r"([\\`*_\[\]<>|~])")
_NUMBERED = re.compile(r"@\d+$")  # pass@1 is pass@k
MIB = 1 << 20


def definitions(runs: Sequence[Run]) -> dict[str, str]:
    """The formulas of the numbers in runs, and of their measures."""
    measures = {_NUMBERED.sub("@k", run.measure).lower() for run in runs}
    return {name: FORMULAS[name] for name in FORMULAS if name in SAID or name.lower() in measures}


def when(run: Run) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(run.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_json(runs: Sequence[Run]) -> str:
    """`{"formulas": {...}, "runs": [...]}`, without unknown values."""
    content = {"formulas": definitions(runs), "runs": [{"when": when(run)} | msgspec.to_builtins(run) for run in runs]}
    return msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n"


def as_csv(runs: Sequence[Run]) -> str:
    """One row per run, in seconds and bytes; the definitions are in the last cell of the first row."""
    columns: dict[str, Callable[[Run], object]] = {
        "when": when,
        **{name: _field(name) for name in ("id", "kind", "model", "engine", "title")},
        "options": lambda run: spell_options(run.options),
        **{name: _field(name) for name in _NUMBERS},
        "measure": _field("measure"),
        "flags": lambda run: "; ".join(run.flags),
        "tags": lambda run: "; ".join(run.tags),
        "versions": lambda run: " ".join(f"{name}={version}" for name, version in run.versions.items()),
    }
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*columns, "definitions"])
    formulas = "; ".join(f"{name}: {formula}" for name, formula in definitions(runs).items())
    for index, run in enumerate(runs):
        writer.writerow([*(_cell(column(run)) for column in columns.values()), "" if index else formulas])
    return file.getvalue()


def as_markdown(runs: Sequence[Run]) -> str:
    """A table, and the definitions below it."""
    titles = ("When", "Model", "Kind", "Options", "TTFT ms", "TPS", "Memory MiB", "KV MiB", "Quality", "Flags")
    lines = [
        f"| {' | '.join(titles)} |",
        f"|{'|'.join(' ---: ' if ' ' in t or t == 'TPS' else ' --- ' for t in titles)}|",
    ]
    lines += [f"| {' | '.join(_row(run))} |" for run in runs]
    lines += ["", *(f"- **{name}**: {_plain(formula)}" for name, formula in definitions(runs).items())]
    return "\n".join(lines) + "\n"


_NUMBERS = (
    "requests",
    "prompt_tokens",
    "output_tokens",
    "seconds",
    "ttft_s",
    "tps",
    "system_tps",
    "memory_bytes",
    "kv_bytes",
    "weights_bytes",
    "quality",
)


def _field(name: str) -> Callable[[Run], object]:
    return lambda run: getattr(run, name)


def _cell(value: object) -> object:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _row(run: Run) -> list[str]:
    quality = "–" if run.quality is None else f"{run.measure} {run.quality:.4g}"
    return [
        when(run),
        _plain(run.model),
        _plain(run.kind),
        _plain(spell_options(run.options)),
        _number(run.ttft_s, 1e-3),
        _number(run.tps),
        _number(run.memory_bytes, MIB),
        _number(run.kv_bytes, MIB),
        _plain(quality),
        _plain(", ".join(run.flags)),
    ]


def _number(value: float | None, unit: float = 1.0) -> str:
    return "–" if value is None else f"{value / unit:.4g}"


def _plain(text: str) -> str:
    """Text without markup, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
