"""The figures of a comparison: progress, where the texts diverge, figures with their noise, the verdict."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.geometry import Size
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
LEAST_HEIGHT = 9
KL_LINE, VERDICT_LINE = 1, 7
BETTER = {"faster", "sooner", "smaller"}
WORSE = {"slower", "later", "larger"}


class CompareFigures(Widget):
    """Progress or difference, distributions, the table, the verdict: as high as they need."""

    DEFAULT_CSS = """
    CompareFigures { height: auto; padding: 0 1; background: $surface; border-left: blank; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: list[Content] = []

    def show(self, compare: CompareState, hint: str) -> None:
        """Redraw if a figure changed; `hint` is shown if nothing has run."""
        lines = _lines(compare, hint)
        if lines != self._lines:
            self._lines = lines
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(LEAST_HEIGHT, len(self._fitted(width)))

    def render(self) -> Content:
        return Content("\n").join(self._fitted(self.size.width))

    def _fitted(self, width: int) -> list[Content]:
        """The distributions and the verdict wrap, and a hint that stands alone; the other lines are cut."""
        fitted, alone, width = list[Content](), len(self._lines) == 1, max(1, width)
        for at, line in enumerate(self._lines):
            whole = alone or at in (KL_LINE, VERDICT_LINE)
            fitted += line.wrap(width) if whole else [line.truncate(width, ellipsis=True)]
        return fitted


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
