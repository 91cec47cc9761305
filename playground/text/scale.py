"""Scales of plots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

SPAN_FOR_LOG = 12.0


class Scale:
    """Maps values to 0 .. 1 with a margin at both ends; logarithmic if they span more than an order of magnitude,
    unless they count items."""

    def __init__(self, values: Sequence[float], margin: float = 0.08, counted: bool = False) -> None:
        least, most = min(values), max(values)
        self.logarithmic = not counted and least > 0 and most / least > SPAN_FOR_LOG
        low, high = (log10(least), log10(most)) if self.logarithmic else (least, most)
        room = (high - low) * margin or abs(high) * 0.1 or 1.0
        self._low, self._high = low - room, high + room
        if least >= 0 and not self.logarithmic:
            self._low = max(0.0, self._low)

    def place(self, value: float) -> float:
        """The place of a value."""
        return ((log10(value) if self.logarithmic else value) - self._low) / (self._high - self._low)

    def value(self, place: float) -> float:
        """The value at a place."""
        value = self._low + place * (self._high - self._low)
        return float(10**value) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Round numbers within the scale."""
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
