"""The history's table: draws the visible rows and asks for those that are not read yet."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.session.history.run import Run
from playground.text import numbers
from playground.tui.history.columns import Column, shown
from playground.tui.history.run_list import RunList
from playground.tui.styles import MUTED
from playground.tui.widgets.fitting import cell

MARK = "●"
WHEEL = 3


class RunTable(Widget, can_focus=True):
    """A table of any number of runs; the screen acts on the chosen ones."""

    DEFAULT_CSS = """
    RunTable { height: 2fr; min-height: 4; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("space", "mark", show=False),
    ]

    class Wanted(Message):
        """Visible rows are not read yet."""

        def __init__(self, ids: list[int]) -> None:
            super().__init__()
            self.ids = ids

    class Moved(Message):
        """The cursor is on another run, or marks changed."""

    class SortAsked(Message):
        """The title of a column was clicked."""

        def __init__(self, column: Column) -> None:
            super().__init__()
            self.column = column

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self.list = RunList()
        self._sort, self._descending = "at", True
        self._hint = "looking"

    @property
    def rows(self) -> int:
        """How many runs fit."""
        return max(1, self.size.height - 1)

    @property
    def columns(self) -> list[tuple[Column, int]]:
        """The columns that fit, with their widths; there is a mark before them."""
        return shown(self.size.width - 2)

    def show(self, hint: str, sort: str, descending: bool) -> None:
        """Show another list; `hint` is shown if it is empty."""
        self._hint, self._sort, self._descending = hint, sort, descending
        self.look()

    def look(self) -> None:
        """Draw, and ask for missing rows."""
        if wanted := self.list.wanted(self.rows):
            self.post_message(self.Wanted(wanted))
        self.refresh()

    def render(self) -> Content:
        columns = self.columns
        lines = [self._titles(columns)]
        if not self.list.ids:
            lines.append(Content.styled(self._hint, MUTED))
        for place, run in self.list.rows(self.rows):
            lines.append(self._row(run, place, columns))
        return Content("\n").join(lines)

    def on_resize(self) -> None:
        self.look()

    def action_move(self, by: int) -> None:
        self.list.move(by)
        self._moved()

    def action_page(self, by: int) -> None:
        self.action_move(by * self.rows)

    def action_mark(self) -> None:
        self.list.mark()
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-WHEEL, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(WHEEL, event)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset_capture(self)
        if at.y == 0:
            self._sort_at(at.x)
        elif self.list.top + at.y - 1 < len(self.list.ids):
            self.list.cursor = self.list.top + at.y - 1
            self._moved()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _scroll(self, by: int, event: events.MouseEvent) -> None:
        self.list.scroll(by, self.rows)
        self._moved()
        event.stop()

    def _sort_at(self, x: int) -> None:
        end = 2
        for column, width in self.columns:
            if end <= x < end + width and column.sort:
                self.post_message(self.SortAsked(column))
            end += width + 1

    def _moved(self) -> None:
        self.look()
        self.post_message(self.Moved())

    def _titles(self, columns: list[tuple[Column, int]]) -> Content:
        arrow = "▼" if self._descending else "▲"
        parts: list[tuple[str, str]] = [("  ", "")]
        for column, width in columns:
            sorted_by = column.sort == self._sort
            title = f"{column.title}{arrow if sorted_by else ''}"
            parts.append((cell(title, width, column.right) + " ", "bold" if sorted_by else MUTED))
        return Content.assemble(*parts)

    def _row(self, run: Run | None, place: int, columns: list[tuple[Column, int]]) -> Content:
        marked = self.list.ids[place] in self.list.marked
        if run is None:
            text = f"{MARK if marked else ' '} {numbers.count(place + 1)}"
        else:
            cells = " ".join(cell(column.text(run), width, column.right) for column, width in columns)
            text = f"{MARK if marked else ' '} {cells}"
        style = "bold $accent" if marked else MUTED if run is None or "error" in run.flags else ""
        if place == self.list.cursor:
            style = f"{style} reverse" if self.has_focus else f"{style} underline"
        return Content.assemble((text, style.strip()))
