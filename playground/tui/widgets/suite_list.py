"""The suites with their ticks, sizes and how long they will take."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from playground.bench.suites import SUITES
from playground.tui import numbers

LABEL = "$meaning-waiting"
TITLE_WIDTH = 14


class SuiteList(Widget, can_focus=True):
    """`chosen` has the ticked suites with their sizes. What is shown of time is measured: seconds a unit, last time."""

    DEFAULT_CSS = """
    SuiteList { height: auto; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("space", "tick", show=False),
        Binding("left", "size(-1)", show=False),
        Binding("right", "size(1)", show=False),
    ]

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._names = list(SUITES)
        self._cursor = 0
        self._ticked = {self._names[0]}
        self._sizes = dict.fromkeys(SUITES, 0)
        self._seconds: dict[str, float] = {}

    @property
    def chosen(self) -> dict[str, int]:
        """By name, the size of every ticked suite."""
        return {name: SUITES[name].sizes[self._sizes[name]] for name in self._names if name in self._ticked}

    def estimate(self, suite: str, seconds: float) -> None:
        """What one unit of a suite took with this model."""
        self._seconds[suite] = seconds
        self.refresh()

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        return 1 + 2 * len(self._names)

    def render(self) -> Content:
        lines = [Content.assemble(("Suites", "bold"))]
        lines += [self._line(index, name) for index, name in enumerate(self._names)]
        return Content("\n").join(lines)

    def action_move(self, by: int) -> None:
        self._cursor = max(0, min(len(self._names) - 1, self._cursor + by))
        self.refresh()

    def action_tick(self) -> None:
        self._ticked ^= {self._names[self._cursor]}
        self.refresh()

    def action_size(self, by: int) -> None:
        name = self._names[self._cursor]
        self._sizes[name] = max(0, min(len(SUITES[name].sizes) - 1, self._sizes[name] + by))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        row = (event.get_content_offset_capture(self).y - 1) // 2
        if 0 <= row < len(self._names):
            self._cursor = row
            self.action_tick()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _line(self, index: int, name: str) -> Content:
        suite, size = SUITES[name], SUITES[name].sizes[self._sizes[name]]
        tick = "■" if name in self._ticked else "□"
        seconds = self._seconds.get(name)
        eta = f"about {numbers.seconds(seconds * size)}" if seconds is not None else "time –"
        style = "reverse" if index == self._cursor and self.has_focus else ""
        return Content.assemble(
            (f"{tick} {suite.title:<{TITLE_WIDTH}}", f"{style} bold".strip()),
            (f"◂{size:>3}▸ {suite.unit}", style),
            (f"\n  {eta}", LABEL),
        )
