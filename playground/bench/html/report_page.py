"""One self-contained HTML page of a report: plots, tables, trust flags, formulas. It loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground import paths
from playground.bench.html.item_plots import item_plots, varies
from playground.bench.html.labels import INTERVAL, label, share
from playground.bench.html.page import escaped, flags, mib, milliseconds, page, pairs, shown, table
from playground.bench.html.svg import number
from playground.bench.report import Report
from playground.bench.report_run import quality_of

MOST_ITEMS = 2000
SPEEDS = ("output_tokens", "tokens_per_second")  # totals that are shown among the figures at the top, not in the table


def report_html(report: Report) -> str:
    """The page of one run of one suite."""
    title = f"{paths.model_name(report.model)}: {report.suite}"
    effective = {name: _with_requested(report, name, value) for name, value in report.effective.items() if value}
    parts = [
        f"<h1>{escaped(title)}</h1>",
        f"<p>{flags(_trust_flags(report))}</p>",
        _cards(report),
        *_totals(report),
        *_items(report),
        "<h2>Options as effective</h2>",
        pairs(effective, "pairs"),
        "<h2>Versions</h2>",
        pairs(report.trust.versions, "pairs"),
        "<h2>Formulas</h2>",
        pairs(report.trust.formulas),
    ]
    return page(title, parts)


def _totals(report: Report) -> list[str]:
    """Single figures as pairs, then a table of each that has rows; of a base's options those that differ."""
    totals = {name: value for name, value in report.totals.items() if name not in SPEEDS and value not in (None, "")}
    if base := totals.pop("base_options", None):
        totals["base"] = {name: value for name, value in base.items() if value != report.options.get(name)}
    tables = {name: rows for name, value in totals.items() if (rows := _rows(value))}
    return [
        "<h2>Totals</h2>",
        pairs(_flat({name: value for name, value in totals.items() if name not in tables}), "pairs"),
        *(f"<h3>{escaped(label(name))}</h3>{table(rows)}" for name, rows in tables.items()),
    ]


def _items(report: Report) -> list[str]:
    """Plots, what all items share, and a table of the rest."""
    items = [_flat(item) for item in report.items[:MOST_ITEMS]]
    same, left_out = _same_in_all(items), len(report.items) - len(items)
    return [
        "<h2>Items</h2>" if items else "",
        f'<div class="plots">{"".join(item_plots(items))}</div>',
        f'<p class="dim">{escaped(same)}</p>' if same else "",
        table(_distinct_columns(items)),
        f'<p class="dim">{left_out} more items are in the JSON report.</p>' if left_out else "",
    ]


def _trust_flags(report: Report) -> list[str]:
    trust = report.trust
    found = [trust.start, f"n = {trust.n}"]
    found += [f"prefix hits {trust.prefix_hit:.0%}"] if trust.prefix_hit else []
    found += [f"throttled: {', '.join(trust.throttled)}"] if trust.throttled else []
    found += [f"{trust.other_processes} other processes on the GPU"] if trust.other_processes else []
    found += [f"{name} is {report.effective.get(name, '?')}: {why}" for name, why in trust.differs.items()]
    return found + trust.notes


def _cards(report: Report) -> str:
    """The most important figures that were measured, each with a note on what it counts."""
    speed = report.speed
    figures = [
        ("TTFT", milliseconds(speed.ttft_s), "ms", "median of requests"),
        ("TPS", speed.tps, "tok/s", "within one request, median"),
        ("System TPS", report.totals.get("tokens_per_second"), "tok/s", "all requests together"),
        ("output", speed.output_tokens, "tokens", ""),
        ("Memory", mib(speed.memory_bytes), "MiB", "of the engine's process, at most"),
        ("KV", mib(speed.kv_bytes), "MiB", "most in use"),
        ("weights", mib(speed.weights_bytes), "MiB", "as they compute"),
    ]
    cards = [_card(name, f"{number(value)} {unit}", note) for name, value, unit, note in figures if value]
    found = "".join([_quality_card(report.totals), *cards])
    return f'<div class="cards">{found}</div>' if found else ""


def _quality_card(totals: Mapping[str, Any]) -> str:
    quality, measure = quality_of(totals)
    if not measure:
        return ""
    ends = totals.get("intervals", {}).get("1") if measure == "pass@1" else None
    note = f"{share('intervals', ends)}, {INTERVAL}" if ends else "all texts" if totals.get("name") == "all" else ""
    return _card(
        measure, share(measure.replace("pass@1", "pass_at_k").lower(), quality) or number(quality or 0.0), note
    )


def _card(name: str, value: str, note: str) -> str:
    return f"<div><span>{escaped(name)}</span><p>{escaped(value)}</p><span>{escaped(note)}</span></div>"


def _rows(value: Any) -> list[dict[str, Any]]:
    """The rows of a value that is a table: figures by name, or a list of several; empty for other values."""
    if isinstance(value, Mapping) and value and all(isinstance(each, Mapping) for each in value.values()):
        return [{"": name} | _flat(each) for name, each in value.items()]
    if isinstance(value, list) and len(value) > 1 and all(isinstance(each, Mapping) for each in value):
        return [_flat(each) for each in value]
    return []


def _same_in_all(items: Sequence[Mapping[str, Any]]) -> str:
    """A line of the values that all items share."""
    names = [name for name in items[0] if not varies(items, name)] if len(items) > 1 else []
    found = [f"{label(name)}: {shown(items[0][name])}" for name in names if items[0][name] not in (None, "", [])]
    return f"in all of them  {'; '.join(found)}" if found else ""


def _distinct_columns(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items without columns that are constant or equal to an earlier column."""
    columns = list(dict.fromkeys(name for item in items for name in item))
    if len(items) < 2:
        return [dict(item) for item in items]
    values = {name: [repr(item.get(name)) for item in items] for name in columns}
    kept: list[str] = []
    for name in columns:
        if len(set(values[name])) > 1 and values[name] not in [values[other] for other in kept]:
            kept.append(name)
    return [{name: item.get(name) for name in kept} for item in items]


def _with_requested(report: Report, name: str, value: str) -> str:
    requested = report.options.get(name, value)
    return value if requested in (value, "auto") else f"{value} (asked for: {requested})"


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten nested figures, under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            value = value[0]
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in _flat(value).items()}
        else:
            flat[name] = value
    return flat
