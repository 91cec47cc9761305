"""The newest values as bars."""

from __future__ import annotations

from playground.text.sparkline import BARS, sparkline


def test_sparkline_shows_the_newest_and_keeps_its_width() -> None:
    assert sparkline([], 4) == "    "
    assert sparkline([1.0], 4) == "   ▅"
    assert sparkline([9.0, 1.0, 1.0, 4.0], 3) == "▃▃█"
    assert sparkline([0.0, 0.0], 2) == BARS[0] * 2
