"""The figures of a comparison: progress, where the texts diverge, figures with their noise, the verdict."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.bench.compare.rows import TITLES, Row, difference, divergence, rows
from playground.bench.compare.runs import Comparison
from playground.bench.compare.verdict import verdict
from playground.text.plain import one_line
from playground.text.sparkline import sparkline
from playground.tui.state.compare import CompareState
from playground.tui.styles import MUTED
from playground.tui.widgets.progress_bar import progress_bar

SPARKS = 40
WIDTHS = (12, 12, 9, 9)
BETTER = {"faster", "sooner", "smaller"}
WORSE = {"slower", "later", "larger"}


class CompareFigures(Widget):
    """Eight lines: progress or difference, distributions, the table, the verdict."""

    DEFAULT_CSS = """
    CompareFigures { height: 9; padding: 0 1; background: $surface; border-left: blank; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: list[Content] = []

    def show(self, compare: CompareState, hint: str) -> None:
        """Redraw if a figure changed; `hint` is shown if nothing has run."""
        lines = _lines(compare, hint)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render(self) -> Content:
        """The verdict may wrap, and a hint that stands alone; the other lines are cut."""
        width, alone = self.size.width, len(self._lines) == 1
        cut = [line if alone or at >= 7 else line.truncate(width, ellipsis=True) for at, line in enumerate(self._lines)]
        return Content("\n").join(cut)


def _lines(compare: CompareState, hint: str) -> list[Content]:
    found = compare.comparison
    if not found.planned:
        return [Content.styled("getting ready" if compare.busy else hint, MUTED)]
    headline = _bar(found) if compare.busy else Content.styled(difference(found), "bold")
    ended = not compare.busy and found.of("A") and found.of("B")
    said = Content.styled(f"Verdict  {one_line(verdict(compare.name, found))}", "bold") if ended else Content()
    return [headline, _kl(found), _line(TITLES), *(_line(row) for row in rows(found)), said]


def _bar(found: Comparison) -> Content:
    return Content.assemble(
        (f"{found.phase:<24}", "bold"),
        progress_bar(len(found.runs) / found.planned),
        ("   Esc stops", MUTED),
    )


def _kl(found: Comparison) -> Content:
    kl = found.divergence.kl
    if not kl:
        return Content.styled(one_line(divergence(found)), MUTED)
    return Content.assemble(("KL/token ", MUTED), sparkline(kl, min(SPARKS, len(kl))), f"  {divergence(found)}")


def _line(row: Row | tuple[str, ...]) -> Content:
    name, *cells, word = row
    texts = (f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    colour = "$success" if word in BETTER else "$error" if word in WORSE else MUTED
    return Content.assemble((f"{name:<10}{''.join(texts)}", MUTED if row == TITLES else ""), (f"  {word}", colour))
