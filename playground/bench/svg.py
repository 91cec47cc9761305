"""Plots as inline SVG: points on two axes with numbers, a legend, a title on every point. All text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 44
SPAN_FOR_LOG = 12.0
COLOURS = 8
MOST_LABEL = 40


class Dot(NamedTuple):
    """`text` is what a pointer over it reads."""

    x: float
    y: float
    text: str = ""


class Series(NamedTuple):
    """Dots of one colour; `joined` draws a line through them in their order."""

    label: str
    dots: Sequence[Dot]
    joined: bool = False


class _Scale:
    """Values to pixels; logarithmic where they span more than an order of magnitude, unless they count items."""

    def __init__(self, values: Sequence[float], start: float, end: float, counted: bool = False) -> None:
        low, high = min(values), max(values)
        self.logarithmic = not counted and low > 0 and high / low > SPAN_FOR_LOG
        low, high = (log10(low), log10(high)) if self.logarithmic else (low, high)
        margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        self._low, self._high, self._start, self._end = low - margin, high + margin, start, end
        if min(values) >= 0 and not self.logarithmic:
            self._low = max(0.0, self._low)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = ((log10(value) if self.logarithmic else value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """Round numbers within."""
        if self.logarithmic:
            decades = range(floor(self._low), floor(self._high) + 1)
            values = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
            inside = [value for value in values if self._low <= log10(value) <= self._high]
            return inside if len(inside) <= 9 else inside[::3]
        rough = (self._high - self._low) / 5
        unit = 10.0 ** floor(log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
        first = floor(self._low / step) + 1
        return [index * step for index in range(first, floor(self._high / step) + 1)]


def plot(series: Sequence[Series], x_title: str, y_title: str, counted: bool = False) -> str:
    """The `<svg>`; empty where there is nothing to plot. `counted`: x is the number of an item."""
    dots = [dot for each in series for dot in each.dots]
    if not dots:
        return ""
    across = _Scale([dot.x for dot in dots], LEFT, WIDTH - RIGHT, counted)
    up = _Scale([dot.y for dot in dots], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_text(f"{y_title} over {x_title}")}">']
    parts += _grid(across, up, x_title, y_title)
    for index, each in enumerate(series):
        parts += _series(each, index % COLOURS, across, up)
    parts.append("</svg>")
    legend = "".join(
        f'<span class="key"><i class="c{index % COLOURS}"></i>{_text(each.label)}</span>'
        for index, each in enumerate(series)
        if each.label
    )
    return f"<figure>{''.join(parts)}<figcaption>{legend}</figcaption></figure>"


def _grid(across: _Scale, up: _Scale, x_title: str, y_title: str) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for value in across.ticks():
        x = across.at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')
    for value in up.ticks():
        y = up.at(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    parts.append(f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end" class="title">{_text(x_title)} →</text>')
    parts.append(f'<text x="{LEFT + 6}" y="{TOP + 10}" class="title">↑ {_text(y_title)}</text>')
    return parts


def _series(series: Series, colour: int, across: _Scale, up: _Scale) -> list[str]:
    places = [(across.at(dot.x), up.at(dot.y), dot.text) for dot in series.dots]
    parts = []
    if series.joined and len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        parts.append(f'<polyline class="c{colour}" points="{path}"/>')
    for x, y, text in places:
        parts.append(
            f'<circle class="c{colour}" cx="{x:.1f}" cy="{y:.1f}" r="5"><title>{_text(text, 400)}</title></circle>'
        )
    return parts


def number(value: float) -> str:
    """Short, for axes and cells."""
    if 1e4 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.3g}"


def _text(text: str, limit: int = MOST_LABEL) -> str:
    return escape(text if len(text) <= limit else text[: limit - 1] + "…")
