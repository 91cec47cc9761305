"""Plots as inline SVG: points on two axes, a legend, and a title for every point. All text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from playground.text.scale import Scale

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 44
MARGIN = 0.06  # share of a scale, at both ends
COLOURS = 8
MOST_LABEL = 40


class Dot(NamedTuple):
    """A point; `text` is its title under the pointer."""

    x: float
    y: float
    text: str = ""


class Series(NamedTuple):
    """Dots of one colour; `joined` draws a line through them, in their order."""

    label: str
    dots: Sequence[Dot]
    joined: bool = False


class _Axis(NamedTuple):
    """A scale between two pixels."""

    scale: Scale
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + self.scale.place(value) * (self.end - self.start)


def plot(series: Sequence[Series], x_title: str, y_title: str, counted: bool = False) -> str:
    """The `<svg>`; empty without dots. `counted`: x is the number of an item."""
    dots = [dot for each in series for dot in each.dots]
    if not dots:
        return ""
    across = _Axis(Scale([dot.x for dot in dots], MARGIN, counted), LEFT, WIDTH - RIGHT)
    up = _Axis(Scale([dot.y for dot in dots], MARGIN), HEIGHT - BOTTOM, TOP)
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


def _grid(across: _Axis, up: _Axis, x_title: str, y_title: str) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for value in across.scale.ticks():
        x = across.at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')
    for value in up.scale.ticks():
        y = up.at(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    parts.append(f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end" class="title">{_text(x_title)} →</text>')
    parts.append(f'<text x="{LEFT + 6}" y="{TOP + 10}" class="title">↑ {_text(y_title)}</text>')
    return parts


def _series(series: Series, colour: int, across: _Axis, up: _Axis) -> list[str]:
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
    """A short form for axes and cells."""
    if 1e4 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.3g}"


def _text(text: str, limit: int = MOST_LABEL) -> str:
    return escape(text if len(text) <= limit else text[: limit - 1] + "…")
