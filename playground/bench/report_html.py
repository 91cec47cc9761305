"""One self-contained HTML page of a report, or of runs out of the history: plots, tables, trust flags, formulas.

It loads nothing and runs nothing; whatever models and files said is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from playground import paths
from playground.bench.report import Report
from playground.bench.report_labels import INTERVAL, label, share
from playground.bench.report_run import quality_of
from playground.bench.svg import Dot, Series, number, plot
from playground.session.history.export import MIB, definitions, when
from playground.session.history.run import Run, spell_options
from playground.text.numbers import UNKNOWN

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MOST_PLOTS, SHORT, MOST_ITEMS = 6, 160, 2000
GROUPS = ("load", "category", "difficulty", "band", "kv_cache", "attention", "kernel", "language", "domain", "status")
OVER = ("rate", "offered", "users", "length", "tokens", "context", "position", "samples", "k")
# Totals that stand among the figures of the top, each with what it is.
SPEEDS = ("output_tokens", "tokens_per_second")


def report_html(report: Report) -> str:
    """The page of one run of one suite."""
    items = [_flat(item) for item in report.items[:MOST_ITEMS]]
    left_out = len(report.items) - len(items)
    title = f"{paths.model_name(report.model)}: {report.suite}"
    told_once = _told_once(items)
    totals = {name: value for name, value in report.totals.items() if name not in SPEEDS and value not in (None, "")}
    if base := totals.pop("base_options", None):
        totals["base"] = {name: value for name, value in base.items() if value != report.options.get(name)}
    tables = {name: rows for name, value in totals.items() if (rows := _rows(value))}
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_flags(_trust_flags(report))}</p>",
        _cards(report),
        "<h2>Totals</h2>",
        _pairs(_flat({name: value for name, value in totals.items() if name not in tables}), "pairs"),
        *(f"<h3>{_text(label(name))}</h3>{_table(rows)}" for name, rows in tables.items()),
        "<h2>Items</h2>" if items else "",
        f'<div class="plots">{"".join(_item_plots(items))}</div>',
        f'<p class="dim">{_text(told_once)}</p>' if told_once else "",
        _table(_distinct_columns(items)),
        f'<p class="dim">{left_out} more items are in the JSON report.</p>' if left_out else "",
        "<h2>Options as effective</h2>",
        _pairs({name: _asked(report, name, value) for name, value in report.effective.items() if value}, "pairs"),
        "<h2>Versions</h2>",
        _pairs(report.trust.versions, "pairs"),
        "<h2>Formulas</h2>",
        _pairs(report.trust.formulas),
    ]
    return _page(title, parts)


def history_html(runs: Sequence[Run]) -> str:
    """The page of runs out of the history, with quality and speed against each other."""
    plots = [plot(_series(runs, lambda run: _ms(run.ttft_s), lambda run: run.tps), "TTFT, ms", "TPS, tok/s")]
    for measure in sorted({run.measure for run in runs if run.quality is not None}):
        judged = [run for run in runs if run.measure == measure]
        plots.append(plot(_series(judged, lambda run: run.tps, lambda run: run.quality), "TPS, tok/s", measure))
        memory = _series(judged, lambda run: _mib(run.memory_bytes), lambda run: run.quality)
        plots.append(plot(memory, "Memory, MiB", measure))
    parts = [
        f"<h1>{len(runs)} run{'' if len(runs) == 1 else 's'}</h1>",
        f'<div class="plots">{"".join(plots)}</div>',
        "<h2>Runs</h2>",
        _table([_run_row(run) for run in runs]),
        "<h2>Formulas</h2>",
        _pairs(definitions(runs)),
    ]
    return _page("Inference playground: history", parts)


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "when": when(run),
        "model": run.model,
        "kind": run.kind,
        "prompt": run.title,
        "options": spell_options(run.options),
        "n": run.requests,
        "tokens": run.output_tokens,
        "TTFT ms": _ms(run.ttft_s),
        "TPS": run.tps,
        "system TPS": run.system_tps,
        "Memory MiB": _mib(run.memory_bytes),
        "KV MiB": _mib(run.kv_bytes),
        "quality": f"{run.measure} {number(run.quality)}" if run.quality is not None else None,
        "flags": ", ".join(run.flags),
        "tags": " ".join(run.tags),
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }


def _series(runs: Sequence[Run], x: Any, y: Any) -> list[Series]:
    dots: dict[str, list[Dot]] = {}
    for run in runs:
        if x(run) is not None and y(run) is not None:
            text = f"{run.model}  {spell_options(run.options)}  {', '.join(run.flags)}  {when(run)}"
            dots.setdefault(run.model, []).append(Dot(x(run), y(run), text))
    return [Series(model, found) for model, found in sorted(dots.items())]


def _trust_flags(report: Report) -> list[str]:
    trust = report.trust
    flags = [trust.start, f"n = {trust.n}"]
    flags += [f"prefix hits {trust.prefix_hit:.0%}"] if trust.prefix_hit else []
    flags += [f"throttled: {', '.join(trust.throttled)}"] if trust.throttled else []
    flags += [f"{trust.other_processes} other processes on the GPU"] if trust.other_processes else []
    flags += [f"{name} is {report.effective.get(name, '?')}: {why}" for name, why in trust.differs.items()]
    return flags + trust.notes


def _cards(report: Report) -> str:
    """The figures that one looks for first, each with what it is of; none where it was not measured."""
    speed = report.speed
    figures = [
        ("TTFT", _ms(speed.ttft_s), "ms", "median of requests"),
        ("TPS", speed.tps, "tok/s", "within one request, median"),
        ("System TPS", report.totals.get("tokens_per_second"), "tok/s", "all requests together"),
        ("output", speed.output_tokens, "tokens", ""),
        ("Memory", _mib(speed.memory_bytes), "MiB", "of the engine's process, at most"),
        ("KV", _mib(speed.kv_bytes), "MiB", "most in use"),
        ("weights", _mib(speed.weights_bytes), "MiB", "as they compute"),
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
    return f"<div><span>{_text(name)}</span><p>{_text(value)}</p><span>{_text(note)}</span></div>"


def _rows(value: Any) -> list[dict[str, Any]]:
    """What is a table of its own: figures by a name, or several of a kind; else nothing."""
    if isinstance(value, Mapping) and value and all(isinstance(each, Mapping) for each in value.values()):
        return [{"": name} | _flat(each) for name, each in value.items()]
    if isinstance(value, list) and len(value) > 1 and all(isinstance(each, Mapping) for each in value):
        return [_flat(each) for each in value]
    return []


def _told_once(items: Sequence[Mapping[str, Any]]) -> str:
    """What is the same in all items."""
    same = [name for name in items[0] if not _varies(items, name)] if len(items) > 1 else []
    told = [f"{label(name)}: {_shown(items[0][name])}" for name in same if items[0][name] not in (None, "", [])]
    return f"in all of them  {'; '.join(told)}" if told else ""


def _distinct_columns(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items without columns that say the same everywhere, or what another column says already."""
    columns = list(dict.fromkeys(name for item in items for name in item))
    if len(items) < 2:
        return [dict(item) for item in items]
    values = {name: [repr(item.get(name)) for item in items] for name in columns}
    kept: list[str] = []
    for name in columns:
        if len(set(values[name])) > 1 and values[name] not in [values[other] for other in kept]:
            kept.append(name)
    return [{name: item.get(name) for name in kept} for item in items]


def _asked(report: Report, name: str, value: str) -> str:
    asked = report.options.get(name, value)
    return value if asked in (value, "auto") else f"{value} (asked for: {asked})"


def _item_plots(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each measured column over what was varied, or else over the items in their order; a series per group."""
    if len(items) < 2:
        return []
    numeric = [name for name in items[0] if sum(_is_number(item.get(name)) for item in items) > 1]
    over = next((name for name in OVER if name in numeric), "")
    group = next((name for name in GROUPS if _groups(items, name)), "")
    plots = []
    for name in [name for name in numeric if name != over and _varies(items, name)][:MOST_PLOTS]:
        dots: dict[str, list[Dot]] = {}
        for index, item in enumerate(items):
            x, y = item.get(over) if over else index + 1, item.get(name)
            if _is_number(x) and _is_number(y):
                text = ", ".join(f"{key} {_shown(value)}" for key, value in list(item.items())[:6])
                dots.setdefault(str(item.get(group, "")), []).append(Dot(float(x or 0), float(y or 0), text))
        series = [Series(label, found, joined=bool(over)) for label, found in dots.items()]
        plots.append(plot(series, label(over or "item"), label(name), counted=not over))
    return plots


def _groups(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    """A few groups, and not one per item."""
    return 1 < len({str(item.get(name)) for item in items}) <= min(8, len(items) - 1)


def _varies(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    return len({repr(item.get(name)) for item in items}) > 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """Nested figures under dotted names."""
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            value = value[0]
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    if not columns:
        return ""
    numeric = {name for name in columns if any(_is_number(row.get(name)) for row in rows)}
    head = "".join(f"<th{_class(name in numeric)}>{_text(label(name))}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td{_class(name in numeric)}>{_cell(row.get(name), name)}</td>' for name in columns)}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _cell(value: Any, name: str = "") -> str:
    """Long text folds up."""
    text = share(name, value) or _shown(value)
    if len(text) <= SHORT and "\n" not in text:
        return escape(text)
    first = text.strip().partition("\n")[0][:SHORT]
    return f"<details><summary>{escape(first)}…</summary><pre>{escape(text)}</pre></details>"


def _shown(value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {_shown(each)}" for name, each in value.items())
    return ", ".join(map(_shown, value)) if isinstance(value, list | tuple) else str(value)


def _pairs(pairs: Mapping[str, Any], style: str = "") -> str:
    """Names and what they stand for, one under the other; `pairs` are short and stand side by side."""
    found = (f"<div><dt>{_text(label(name))}</dt><dd>{_cell(value, name)}</dd></div>" for name, value in pairs.items())
    return f'<dl class="{style}">{"".join(found)}</dl>'


def _flags(flags: Iterable[str]) -> str:
    return "".join(f'<span class="flag">{_text(flag)}</span>' for flag in flags)


def _page(title: str, parts: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _text(text: str) -> str:
    return escape(str(text))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _mib(count: int | None) -> float | None:
    return None if count is None else count / MIB
