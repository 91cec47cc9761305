"""The results of a suite as they come: item, verdict, time, detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from playground.bench.suites.suite import Row
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.bench.driver import BenchView
from playground.tui.styles import MUTED
from playground.tui.widgets.progress_bar import progress_bar

BAR, WIDE = 12, 70
WHEEL, MOST_DETAIL = 3, 400
COLOURS = {"passed": "$success", "failed": "$error", "timed out": "$meaning-held", "skipped": MUTED}
COLOURS |= {"right": "$success", "wrong": "$error", "found": "$success", "missed": "$error"}
HINT = "r runs the ticked suites under the options of F2 Playground"


class BenchResults(Widget, can_focus=True):
    """The newest rows, as many as fit, or those to which the user went."""

    DEFAULT_CSS = """
    BenchResults { padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", show=False),
        Binding("down", "go(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "go(-1000000000)", show=False),
        Binding("end", "go(1000000000)", show=False),
    ]

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._view = BenchView()
        self._headline = Content()
        self._rows: list[Row] = []
        self._top: int | None = None  # without it the newest rows are followed

    def show(self, view: BenchView) -> None:
        """Redraw if anything arrived; another run is followed from its end again."""
        headline = _headline(view)
        if view is not self._view:
            self._view, self._top = view, None
        if headline != self._headline or view.rows != self._rows:
            self._headline, self._rows = headline, list(view.rows)
            self.refresh()

    def render(self) -> Content:
        head, lines, room = self._head(), self._lines(), self._room()
        last = max(0, len(lines) - room)
        top = last if self._top is None else min(self._top, last)
        hidden = [f"{arrow}{count}" for arrow, count in (("↑", top), ("↓", last - top)) if count]
        width = self.size.width
        said = "  what came of it" if width >= WIDE else ""
        titles = f"{'item':<{_name(width)}} {'verdict':<9} {'time':>8}{said}"
        titles += " ".join(hidden).rjust(max(0, width - len(titles)))
        return Content("\n").join([*head, Content.styled(titles, MUTED), *lines[top : top + room]])

    def action_go(self, by: int) -> None:
        last = max(0, len(self._lines()) - self._room())
        top = max(0, min(last, (last if self._top is None else self._top) + by))
        self._top = top if top < last else None
        self.refresh()

    def action_page(self, by: int) -> None:
        self.action_go(by * self._room())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_go(-WHEEL)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_go(WHEEL)
        event.stop()

    def _head(self) -> list[Content]:
        return list(self._headline.wrap(max(1, self.size.width)))

    def _lines(self) -> list[Content]:
        return [line for row in self._rows for line in _row(row, self.size.width)]

    def _room(self) -> int:
        """Lines for rows, below headline and titles."""
        return max(1, self.size.height - 1 - len(self._head()))


def _headline(view: BenchView) -> Content:
    if not view.suite:
        return Content.styled(HINT, MUTED)
    progress = view.progress
    if progress is None or not progress.total:
        return Content.assemble((view.suite, "bold"), (f"  {view.stage}", MUTED))
    left = f"  {progress.eta_s:.0f} s left" if progress.eta_s is not None and view.stage == "running" else ""
    stage = "" if view.stage == "running" else f"  {view.stage or 'ended'}"
    return Content.assemble(
        (f"{view.suite}  ", "bold"),
        progress_bar(progress.done / progress.total, BAR),
        f"  {progress.done} of {progress.total}",
        (f"{left}{stage}", MUTED),
    )


def _row(row: Row, width: int) -> list[Content]:
    """A result; its detail is behind it, or below it if there is little room, in as many lines as it takes."""
    wide = width >= WIDE
    indent = " " * (_name(width) + 21 if wide else 2)
    detail = Content.styled(one_line(row.detail, MOST_DETAIL), MUTED).wrap(max(1, width - len(indent)))
    line = Content.assemble(
        f"{one_line(row.name, _name(width)):<{_name(width)}} ",
        (f"{one_line(row.verdict, 9):<9} ", COLOURS.get(row.verdict, "")),
        f"{numbers.seconds(row.seconds):>8}",
    )
    first = [Content.assemble(line, "  ", detail[0])] if wide else [line] + [indent + detail[0]] * bool(row.detail)
    return [*first, *(indent + each for each in detail[1:])]


def _name(width: int) -> int:
    return 20 if width >= WIDE else 16


def verdicts(rows: Sequence[Row]) -> dict[str, int]:
    """The number of rows per verdict."""
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.verdict] = counted.get(row.verdict, 0) + 1
    return counted
