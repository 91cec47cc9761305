"""Pieces of a self-contained HTML page: tables, pairs, flags and the page itself. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from playground.bench.html.labels import label, share
from playground.bench.html.svg import number
from playground.session.history.export import MIB
from playground.text.numbers import UNKNOWN

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
SHORT = 160


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page; empty parts are left out."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escaped(title)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of rows by column name; empty columns are left out, numbers are right-aligned."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    if not columns:
        return ""
    numeric = {name for name in columns if any(is_number(row.get(name)) for row in rows)}
    head = "".join(f"<th{_class(name in numeric)}>{escaped(label(name))}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td{_class(name in numeric)}>{_cell(row.get(name), name)}</td>' for name in columns)}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _cell(value: Any, name: str = "") -> str:
    """A value as HTML; long text is folded."""
    text = share(name, value) or shown(value)
    if len(text) <= SHORT and "\n" not in text:
        return escape(text)
    first = text.strip().partition("\n")[0][:SHORT]
    return f"<details><summary>{escape(first)}…</summary><pre>{escape(text)}</pre></details>"


def shown(value: Any) -> str:
    """A value as text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {shown(each)}" for name, each in value.items())
    return ", ".join(map(shown, value)) if isinstance(value, list | tuple) else str(value)


def pairs(values: Mapping[str, Any], style: str = "") -> str:
    """Names with their values, one per line; in the style `pairs` short ones are side by side."""
    rows = (f"<div><dt>{escaped(label(name))}</dt><dd>{_cell(each, name)}</dd></div>" for name, each in values.items())
    return f'<dl class="{style}">{"".join(rows)}</dl>'


def flags(names: Iterable[str]) -> str:
    """A row of flags."""
    return "".join(f'<span class="flag">{escaped(flag)}</span>' for flag in names)


def escaped(text: str) -> str:
    """Text as HTML."""
    return escape(str(text))


def is_number(value: Any) -> bool:
    """Whether a value is a number; a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def milliseconds(seconds: float | None) -> float | None:
    """Seconds in milliseconds."""
    return None if seconds is None else seconds * 1000


def mib(count: int | None) -> float | None:
    """Bytes in MiB."""
    return None if count is None else count / MIB
