"""Plots of a report's items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground.bench.html.labels import label
from playground.bench.html.page import is_number, shown
from playground.bench.html.svg import Dot, Series, plot

MOST_PLOTS = 6
GROUPS = ("load", "category", "difficulty", "band", "kv_cache", "attention", "kernel", "language", "domain", "status")
OVER = ("rate", "offered", "users", "length", "tokens", "context", "position", "samples", "k")


def item_plots(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """A plot of each measured column over the one that was varied, or over the items in order; a series per group."""
    if len(items) < 2:
        return []
    numeric = [name for name in items[0] if sum(is_number(item.get(name)) for item in items) > 1]
    over = next((name for name in OVER if name in numeric), "")
    group = next((name for name in GROUPS if _groups(items, name)), "")
    plots = []
    for name in [name for name in numeric if name != over and varies(items, name)][:MOST_PLOTS]:
        dots: dict[str, list[Dot]] = {}
        for index, item in enumerate(items):
            x, y = item.get(over) if over else index + 1, item.get(name)
            if is_number(x) and is_number(y):
                text = ", ".join(f"{key} {shown(value)}" for key, value in list(item.items())[:6])
                dots.setdefault(str(item.get(group, "")), []).append(Dot(float(x or 0), float(y or 0), text))
        series = [Series(label, found, joined=bool(over)) for label, found in dots.items()]
        plots.append(plot(series, label(over or "item"), label(name), counted=not over))
    return plots


def _groups(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column forms a few groups of several items."""
    return 1 < len({str(item.get(name)) for item in items}) <= min(8, len(items) - 1)


def varies(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a column has more than one value."""
    return len({repr(item.get(name)) for item in items}) > 1
