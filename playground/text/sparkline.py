"""A row of bars for the newest values, of fixed width. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values, newest at the right; blank without values.

    Bars begin at zero and reach the top at the largest value, or at twice the median: a steady stream stays at half
    height, so that neither its noise nor a single outlier fills the picture.
    """
    shown = values[-width:]
    if not shown:
        return " " * width
    top = max(*shown, 2 * median(shown))
    bars = (BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] if top else BARS[0] for value in shown)
    return "".join(bars).rjust(width)
