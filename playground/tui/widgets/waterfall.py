"""The times from the end of speech to the first sentence of the answer as a waterfall, and what the open microphone
costs the model."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.text import numbers
from playground.tui.state.state import State
from playground.tui.state.voice import SpokenRequest, VoiceState
from playground.tui.styles import MUTED

VALUE = "$foreground"
NAME, NUMBER = 12, 9
USUAL_WIDTH = 44
Part = tuple[str, float | None, str]


class Waterfall(Widget):
    """Hidden until there is a spoken request."""

    DEFAULT_CSS = """
    Waterfall { height: auto; display: none; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    Waterfall.-shown { display: block; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: list[Content] = []
        self._state: State | None = None

    def show(self, state: State) -> None:
        """Redraw if anything changed."""
        self._state = state
        lines = waterfall_lines(state, self.size.width or USUAL_WIDTH)
        self.set_class(bool(lines), "-shown")
        if lines != self._lines:
            height, self._lines = len(self._lines), lines
            self.refresh(layout=len(lines) != height)

    def on_resize(self) -> None:
        """Lay out for the width, which is known only once the panel is visible."""
        if self._state:
            self.show(self._state)

    def render(self) -> Content:
        return Content("\n").join(self._lines)


def waterfall_lines(state: State, width: int) -> list[Content]:
    """The last spoken request, and the contention."""
    spoken = state.voice.spoken
    request = state.requests.get(spoken.request_id) if spoken else None
    lines = []
    if spoken and request:
        parts = _parts(spoken, request.metrics.ttft_s)
        whole = sum(seconds or 0.0 for _, seconds, _ in parts)
        lines = [_title(whole, spoken, width), *_bars(parts, whole, width)]
    return lines + _contention(state.voice, width)


def _parts(spoken: SpokenRequest, ttft_s: float | None) -> list[Part]:
    timing = spoken.timing
    return [
        ("VAD", timing.vad_s, MUTED),
        ("transcript", timing.wait_s + timing.decode_s, "$accent"),
        ("TTFT", ttft_s, "$meaning-prefill"),
        ("1st sentence", spoken.sentence_s, "$meaning-decode"),
    ]


def _title(whole: float, spoken: SpokenRequest, width: int) -> Content:
    """The title, shortened to the width."""
    long, yours = f"{numbers.seconds(whole)} after the end of speech", f"  (+ {numbers.seconds(spoken.edited_s)} yours)"
    pieces = [("Voice  ", "bold"), (long, VALUE), (yours, MUTED)]
    if len("Voice  " + long + yours) > width:
        pieces.pop()
    if len("Voice  " + long) > width:
        pieces[1] = (f"{numbers.seconds(whole)} in all", VALUE)
    return Content.assemble(*pieces)


def _bars(parts: list[Part], whole: float, width: int) -> list[Content]:
    room = max(4, width - NAME - NUMBER - 1)
    lines, before = [], 0.0
    for name, seconds, colour in parts:
        left = round(room * before / whole) if whole else 0
        before += seconds or 0.0
        right = round(room * before / whole) if whole else 0
        bar = "━" * max(right - left, 1 if seconds else 0)
        left = min(left, room - len(bar))
        lines.append(
            Content.assemble(
                (f"{name:<{NAME}} ", MUTED),
                " " * left,
                (bar, colour),
                " " * (room - left - len(bar)),
                (f"{numbers.seconds(seconds):>{NUMBER}}", VALUE),
            )
        )
    return lines


def _contention(voice: VoiceState, width: int) -> list[Content]:
    """One line, or two if it is narrow."""
    if voice.contention is None:
        return []
    closed, opened = voice.contention
    change, spread = opened.tps / closed.tps - 1, opened.spread / closed.tps
    label = Content.styled("TPS mic closed ▸ open", MUTED)
    figures = Content.assemble(
        (f"{numbers.significant(closed.tps)} ▸ {numbers.significant(opened.tps)}", VALUE),
        (f" {'▼' if change < 0 else '▲'} {numbers.percent(abs(change))} (±{round(spread * 100)})", MUTED),
    )
    if label.cell_length + 1 + figures.cell_length > width:
        return [label, Content.assemble("  ", figures)]
    return [Content.assemble(label, " ", figures)]
