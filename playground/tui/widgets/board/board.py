"""The batching board: slots down, steps across. Only lines that are visible and new cost time."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic, thread_time
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from playground.protocol.server import ServerMeasured
from playground.protocol.steps import Step
from playground.theme import Meanings
from playground.tui.board.model import BoardModel
from playground.tui.board.viewport import Viewport
from playground.tui.letters import Letters
from playground.tui.widgets.board.cells import LETTER_EVERY, LETTER_EVERY_WITHOUT_COLOUR, CellStyles
from playground.tui.widgets.board.lines import BoardLines

REDRAWS_PER_SECOND = 5
SHARE_OF_A_CORE = 0.022  # of drawing; the terminal takes about as much again
WHEEL = 4


class BatchBoard(Widget, can_focus=True):
    """Draws the steps of `StepsExecuted` and nothing else. Space pauses the view, not the collecting."""

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
        self._lines = BoardLines(self.view, title)
        self._theme = ""
        self._styles: CellStyles | None = None
        self._due: Timer | None = None
        self._painted, self._cost = 0.0, 0.0
        self._oldest = 0

    def add_steps(self, steps: Iterable[Step]) -> None:
        """Fold steps; any number of calls costs at most five redraws a second. A redraw shares its frame with what else
        the same update changes."""
        slots = len(self.model.runs)
        self.model.add(steps)
        if len(self.model.runs) != slots:
            self.refresh(layout=True)
        elif self.is_mounted:
            if not (wait := self._wait()):
                self._paint()
            elif self._due is None:  # later than the next update, whose frame then includes it
                self._due = self.set_timer(wait + 1 / REDRAWS_PER_SECOND, self._paint)

    def finish(self, request_ids: Iterable[str]) -> None:
        """Mark where requests ended, also if no step follows."""
        self.model.finish(request_ids)
        self.add_steps(())

    def share_time(self, seconds: float) -> None:
        """Make columns `seconds` wide instead of steps, to compare with another board."""
        self.view.seconds = seconds
        self.refresh()

    def show_server(self, measured: ServerMeasured | None) -> None:
        """Show what a server reports about all its clients, even before our first request."""
        if measured is not self.model.server:
            self.model.server = measured
            self.refresh()

    def clear(self) -> None:
        """Empty the board, for example after a model was loaded."""
        self.model.clear()
        self.view.reset()
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 + max(1, len(self.model.runs))

    def render_lines(self, crop: Region) -> list[Strip]:
        started = thread_time()
        self._lines.fit(*self.size, self.screen.has_class("-maximized"))
        strips = super().render_lines(crop)
        self._cost = thread_time() - started
        return strips

    def render_line(self, y: int) -> Strip:
        every = LETTER_EVERY_WITHOUT_COLOUR if self.app.no_color else LETTER_EVERY
        return self._lines.line(y, self._cell_styles, every, self.has_focus)

    def on_click(self, event: events.Click) -> None:
        if cell := self._lines.cell_at(event.x - self.styles.gutter.left, event.y - self.styles.gutter.top):
            self.view.point(cell)
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-WHEEL)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(WHEEL)
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
        self._scroll(-self.view.columns().stop)

    def action_follow(self) -> None:
        self.view.follow()
        self.refresh()

    @property
    def _cell_styles(self) -> CellStyles:
        if self._styles is None or self._theme != self.app.theme:
            self._theme = self.app.theme
            meanings = Meanings.from_variables(self.app.theme_variables)
            self._styles = CellStyles(meanings, self.background_colors[1], self.colors[3])
        return self._styles

    def _scroll(self, columns: int) -> None:
        self.view.scroll(columns)
        self.refresh()

    def _wait(self) -> float:
        """Seconds until the next redraw is due, 0 if it is."""
        pause = max(1 / REDRAWS_PER_SECOND, self._cost / SHARE_OF_A_CORE)
        return max(0.0, self._painted + pause - monotonic())

    def _paint(self) -> None:
        if self._due:
            self._due.stop()
        self._due, self._painted = None, monotonic()
        rows = [0] if self.view.still else [0, *self._stale_rows()]
        self.refresh(*(Region(0, y, self.size.width, 1) for y in rows))

    def _stale_rows(self) -> list[int]:
        """Rows with something in them, now or when they were last painted; the others are unchanged."""
        before, self._oldest = self._oldest, self.view.oldest()
        since, runs = min(before, self._oldest), self.model.runs
        stale = {slot for slot in self.view.slots() if runs[slot] and runs[slot][-1].last >= since}
        return [y for y in range(1, self.size.height) if self._lines.slot_at(y) in stale]
