"""The lines of the speed panel. Pure: a view and a width in, styled text out; labels never move."""

from __future__ import annotations

from textual.content import Content

from playground.text import numbers
from playground.text.sparkline import sparkline
from playground.tui.speed.view import SpeedView
from playground.tui.state.request import RECENT_S
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import spread
from playground.tui.widgets.speed.digits import big_digits, bigger_digits

VALUE = "$foreground"
TTFT, TPS = "$meaning-prefill", "$meaning-decode"
NUMBER, UNIT = 5, 2
ITL_FIGURES = 25
LARGER_WIDTH = 52


def title(view: SpeedView, width: int) -> Content:
    """The title, and the request that the numbers are of."""
    right = [("REPLAY  ", "bold $warning")] if view.replay else []
    if view.letter:
        right += [
            ("running  " if view.running else "", MUTED),
            ("request ", MUTED),
            (view.letter.text, f"bold $request-{view.letter.colour}"),
        ]
    return spread(Content.styled("Speed", "bold"), Content.assemble(*right), width)


def headline(view: SpeedView, width: int, larger: bool = False) -> list[Content]:
    """TTFT and TPS: labels, big digits (larger ones where they fit), and the plain numbers for copying."""
    larger = larger and width >= LARGER_WIDTH
    draw, half = (bigger_digits if larger else big_digits), width // 2
    ttft = draw(_digits(numbers.split_seconds(view.ttft_s)[0]))
    tps = draw(_rate_digits(view.tps))
    rows = [_halves(left, right, half, TTFT, TPS) for left, right in zip(ttft, tps, strict=True)]
    plain = _halves(numbers.seconds(view.ttft_s), numbers.rate(view.tps, "tok/s"), half, VALUE, VALUE)
    newest = f"TPS, last {RECENT_S:g} s" if view.running else "TPS"
    return [_halves("TTFT", newest, half, MUTED, MUTED), *rows, plain]


def details(view: SpeedView, width: int) -> list[Content]:
    """TTFT's parts, TPOT, E2E, characters per second, the gaps between tokens, and counts of tokens."""
    parts = {"queue": view.queue_s, "load": view.load_s, "prefill": view.prefill_s}
    parts_line = "  ".join(f"{name} {numbers.milliseconds(value):>{NUMBER}}" for name, value in parts.items())
    characters = f"{numbers.significant(view.characters_per_second):>{NUMBER}} char/s"
    spark = sparkline(view.itl_s, max(0, width - 4 - ITL_FIGURES))
    counts = {"prompt": view.prompt, "cached": view.cached, "answer": view.answer}
    counts_line = "  ".join(f"{name} {numbers.count(value):>{NUMBER}}" for name, value in counts.items())
    p50, p99 = numbers.milliseconds(view.itl_p50_s), numbers.milliseconds(view.itl_p99_s)
    return [
        _labelled(f"{parts_line} ms"),
        _labelled(f"TPOT {_padded(view.tpot_s)}  {characters}  E2E {_padded(view.e2e_s)}"),
        Content.assemble(("ITL ", MUTED), (spark, TPS), _labelled(f"  p50 {p50:>{NUMBER}}  p99 {p99:>{NUMBER}} ms")),
        _labelled(f"{counts_line} tok"),
    ]


def _halves(left: str, right: str, half: int, left_style: str, right_style: str) -> Content:
    return Content.assemble((left.ljust(half), left_style), (right, right_style))


def _labelled(line: str) -> Content:
    """Words dim, numbers plain."""
    pieces = [
        (part, VALUE if part.strip()[:1].isdigit() or part == numbers.UNKNOWN else MUTED) for part in _parts(line)
    ]
    return Content.assemble(*pieces)


def _parts(line: str) -> list[str]:
    words = line.split(" ")
    return [word + " " * (index < len(words) - 1) for index, word in enumerate(words)]


def _padded(value: float | None) -> str:
    number, unit = numbers.split_seconds(value)
    return f"{number:>{NUMBER}} {unit:<{UNIT}}"


def _digits(text: str) -> str:
    return text.replace(numbers.THIN_SPACE, "")


def _rate_digits(value: float | None) -> str:
    """At most three digits and a k, so that they keep their place next to TTFT's."""
    if value is None or value < 999.5:
        return numbers.significant(value)
    return f"{value / 1000:.1f}k" if value < 9950 else f"{value / 1000:.0f}k"
