"""Results as they come: what, pass, fail or timeout, how long, why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.widget import Widget

from playground.bench.suites.suite import Row
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.bench.driver import BenchView

LABEL = "$meaning-waiting"
BAR, WIDE = 12, 70
COLOURS = {"passed": "$success", "failed": "$error", "timed out": "$meaning-held", "skipped": LABEL}
COLOURS |= {"right": "$success", "wrong": "$error", "found": "$success", "missed": "$error"}
HINT = "r runs the ticked suites under the options of F2 Playground"


class BenchResults(Widget):
    """The newest rows, as many as fit."""

    DEFAULT_CSS = """
    BenchResults { padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._headline = Content()
        self._rows: list[Row] = []

    def show(self, view: BenchView) -> None:
        """Redraw if anything arrived."""
        headline = _headline(view)
        if headline != self._headline or view.rows != self._rows:
            self._headline, self._rows = headline, list(view.rows)
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        head = self._headline.wrap(max(1, width))
        room = max(1, self.size.height - 1 - len(head))
        said = "  what came of it" if width >= WIDE else ""
        titles = Content.styled(f"{'item':<{_name(width)}} {'verdict':<9} {'time':>8}{said}", LABEL)
        lines = [line for row in self._rows[-room:] for line in _row(row, width)]
        return Content("\n").join([*head, titles, *lines[-room:]])


def _headline(view: BenchView) -> Content:
    if not view.suite:
        return Content.styled(HINT, LABEL)
    progress = view.progress
    if progress is None or not progress.total:
        return Content.assemble((view.suite, "bold"), (f"  {view.stage}", LABEL))
    filled = round(BAR * min(1.0, progress.done / progress.total))
    left = f"  {progress.eta_s:.0f} s left" if progress.eta_s is not None and view.stage == "running" else ""
    stage = "" if view.stage == "running" else f"  {view.stage or 'ended'}"
    return Content.assemble(
        (f"{view.suite}  ", "bold"),
        ("━" * filled, "$accent"),
        ("╌" * (BAR - filled), LABEL),
        f"  {progress.done} of {progress.total}",
        (f"{left}{stage}", LABEL),
    )


def _row(row: Row, width: int) -> list[Content]:
    """What there is to say stands behind it, or below where there is little room."""
    wide = width >= WIDE
    detail = one_line(row.detail, max(1, width - (_name(width) + 24 if wide else 4)))
    line = Content.assemble(
        f"{one_line(row.name, _name(width)):<{_name(width)}} ",
        (f"{one_line(row.verdict, 9):<9} ", COLOURS.get(row.verdict, "")),
        f"{numbers.seconds(row.seconds):>8}",
        (f"  {detail}" if wide else "", LABEL),
    )
    return [line] if wide or not detail else [line, Content.styled(f"  {detail}", LABEL)]


def _name(width: int) -> int:
    return 20 if width >= WIDE else 16


def verdicts(rows: Sequence[Row]) -> dict[str, int]:
    """How many of each verdict."""
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.verdict] = counted.get(row.verdict, 0) + 1
    return counted
