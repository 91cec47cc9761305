"""The batching board: slots down, steps across, drawn line by line so that only what is seen costs anything."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic, perf_counter
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from playground.protocol.events import Step
from playground.tui.board_columns import pieces
from playground.tui.board_model import BoardModel
from playground.tui.board_viewport import Cell, Viewport
from playground.tui.letters import Letters
from playground.tui.themes import Meanings
from playground.tui.widgets.board_cells import LETTER_EVERY, LETTER_EVERY_WITHOUT_COLOUR, CellStyles, Row
from playground.tui.widgets.board_header import header

REDRAWS_PER_SECOND = 12
SHARE_OF_A_CORE = 0.05


class BatchBoard(Widget, can_focus=True):
    """Draws what `StepsExecuted` brings and nothing else. Space pauses the view, never the collecting."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    BatchBoard { height: auto; min-height: 2; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", id="board.pause"),
        Binding("plus,equals_sign", "zoom(-1)", "Zoom in", id="board.zoom_in", key_display="+"),
        Binding("minus", "zoom(1)", "Zoom out", id="board.zoom_out", key_display="-"),
        Binding("left", "move(0,-1)", "Earlier step", id="board.left", show=False),
        Binding("right", "move(0,1)", "Later step", id="board.right", show=False),
        Binding("up", "move(-1,0)", "Slot above", id="board.up", show=False),
        Binding("down", "move(1,0)", "Slot below", id="board.down", show=False),
        Binding("pageup,shift+left", "page(-1)", "Earlier steps", id="board.page_left", show=False),
        Binding("pagedown,shift+right", "page(1)", "Later steps", id="board.page_right", show=False),
        Binding("home", "oldest", "Oldest step", id="board.oldest", show=False),
        Binding("end", "follow", "Follow the newest step", id="board.follow", show=False),
    ]

    def __init__(self, letters: Letters | None = None, *, title: str = "Batch", **widget: Any) -> None:
        super().__init__(**widget)
        self.model = BoardModel(letters)
        self.view = Viewport(self.model)
        self._title = title
        self._theme, self._styles = "", None
        self._due: Timer | None = None
        self._painted, self._cost = 0.0, 0.0

    def add_steps(self, steps: Iterable[Step]) -> None:
        """Fold steps; the screen follows a little later, so that any number of calls costs a dozen redraws a second."""
        slots = len(self.model.runs)
        self.model.add(steps)
        if len(self.model.runs) != slots:
            self.refresh(layout=True)
        elif self._due is None and self.is_mounted:
            self._due = self.set_timer(self._wait(), self._paint)

    def clear(self) -> None:
        """Empty the board, after a model was loaded for example."""
        self.model.clear()
        self.view.reset()
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 + max(1, len(self.model.runs))

    def render_lines(self, crop: Region) -> list[Strip]:
        started = perf_counter()
        self.view.width, self.view.height = max(1, self.size.width - self._gutter), max(1, self.size.height - 1)
        lines = super().render_lines(crop)
        self._cost = perf_counter() - started
        return lines

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return header(self.view, self._title, self.size.width, self._cell_styles, self.has_focus)
        slots = self.view.slots()
        if y > len(slots):
            return Strip.blank(self.size.width, self._cell_styles.empty)
        return self._row(slots[y - 1])

    def on_click(self, event: events.Click) -> None:
        slots, seen = self.view.slots(), self.view.columns()
        row, column = event.y - 1, seen.start + event.x - self._gutter
        if 0 <= row < len(slots) and seen.start <= column:
            self.view.point(Cell(slots[row], column))
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-4)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(4)
        event.stop()

    def action_pause(self) -> None:
        self.view.pause()
        self.refresh()

    def action_zoom(self, by: int) -> None:
        self.view.zoom_by(by)
        self.refresh()

    def action_move(self, slots: int, columns: int) -> None:
        self.view.move(slots, columns)
        self.refresh()

    def action_page(self, by: int) -> None:
        self._scroll(by * self.view.width)

    def action_oldest(self) -> None:
        self._scroll(-self.model.total)

    def action_follow(self) -> None:
        self.view.follow()
        self.refresh()

    @property
    def _gutter(self) -> int:
        """Cells before the first column: the slot's number between two spaces."""
        return len(str(max(0, len(self.model.runs) - 1))) + 2

    @property
    def _cell_styles(self) -> CellStyles:
        if self._styles is None or self._theme != self.app.theme:
            self._theme = self.app.theme
            background, foreground = self.background_colors[1], self.colors[3]
            self._styles = CellStyles(Meanings.from_variables(self.app.theme_variables), background, foreground)
        return self._styles

    def _row(self, slot: int) -> Strip:
        styles, seen = self._cell_styles, self.view.columns()
        every = LETTER_EVERY_WITHOUT_COLOUR if self.app.no_color else LETTER_EVERY
        row = Row(self.model.letters, styles, seen.start, seen.stop, every)
        shown = pieces(self.model.runs[slot], self.view.scale, seen.start, seen.stop)
        number = Segment(f"{slot:>{self._gutter - 1}} ", styles.faint)
        strip = Strip([number, *row.draw(shown)], self.size.width)
        cursor = self.view.cursor
        if cursor and cursor.slot == slot and cursor.column in seen:
            return _with_cursor(strip, self._gutter + cursor.column - seen.start)
        return strip

    def _scroll(self, columns: int) -> None:
        self.view.scroll(columns)
        self.refresh()

    def _wait(self) -> float:
        """Seconds until the next redraw, so that redraws stay within their rate and their share of a core."""
        rest = max(1 / REDRAWS_PER_SECOND, self._cost / SHARE_OF_A_CORE)
        return max(0.0, self._painted + rest - monotonic())

    def _paint(self) -> None:
        self._due, self._painted = None, monotonic()
        if self.view.following:
            self.refresh()
        else:
            self.refresh(Region(0, 0, self.size.width, 1))


def _with_cursor(strip: Strip, x: int) -> Strip:
    before, cell, after = strip.divide([x, x + 1, strip.cell_length])
    return Strip.join([before, cell.apply_style(Style(reverse=True)), after])
