"""The suites with their ticks and sizes, how long they will take, and what they came to last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from playground.bench.suites.table import SUITES
from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.bench.driver import BenchView
from playground.tui.widgets.lines import fitting

LABEL = "$meaning-waiting"
TITLE_WIDTH = 10
GAP = "  "


class SuiteList(Widget, can_focus=True):
    """`chosen` has the ticked suites with their sizes. What is shown of time is measured: seconds a unit, last time,
    or the rate of the run that goes on."""

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

    class Moved(Message):
        """Another suite is under the cursor."""

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._names = list(SUITES)
        self._cursor = 0
        self._ticked = {self._names[0]}
        self._sizes = dict.fromkeys(SUITES, 0)
        self._seconds: dict[str, float] = {}
        self._stages: dict[str, str] = {}
        self._figures: dict[str, str] = {}

    @property
    def chosen(self) -> dict[str, int]:
        """By name, the size of every ticked suite."""
        return {name: SUITES[name].sizes[self._sizes[name]] for name in self._names if name in self._ticked}

    @property
    def current(self) -> str:
        """The suite under the cursor."""
        return self._names[self._cursor]

    def go_to(self, suite: str) -> None:
        """The cursor onto a suite."""
        self.action_move(self._names.index(suite) - self._cursor)

    def estimate(self, suite: str, seconds: float) -> None:
        """What one unit of a suite took with this model."""
        self._seconds[suite] = seconds
        self.refresh()

    def show(self, views: Mapping[str, BenchView]) -> None:
        """Redraw if a suite progressed."""
        stages = {name: _stage(view) for name, view in views.items()}
        figures = {name: view.progress.figure for name, view in views.items() if view.progress}
        if (stages, figures) != (self._stages, self._figures):
            self._stages, self._figures = stages, figures
            self.refresh()

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        return 1 + 2 * len(self._names)

    def render(self) -> Content:
        lines = [Content.assemble(("Suites", "bold"))]
        lines += [self._line(index, name) for index, name in enumerate(self._names)]
        return Content("\n").join(lines)

    def action_move(self, by: int) -> None:
        before, self._cursor = self._cursor, max(0, min(len(self._names) - 1, self._cursor + by))
        self.refresh()
        if before != self._cursor:
            self.post_message(self.Moved())

    def action_tick(self) -> None:
        self._ticked ^= {self.current}
        self.refresh()

    def action_size(self, by: int) -> None:
        name = self.current
        self._sizes[name] = max(0, min(len(SUITES[name].sizes) - 1, self._sizes[name] + by))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        row = (event.get_content_offset_capture(self).y - 1) // 2
        if 0 <= row < len(self._names):
            self.action_move(row - self._cursor)
            self.action_tick()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _line(self, index: int, name: str) -> Content:
        suite, size = SUITES[name], SUITES[name].sizes[self._sizes[name]]
        tick = "■" if name in self._ticked else "□"
        seconds = self._seconds.get(name)
        about = f"about {numbers.seconds(seconds * size)}" if seconds is not None else ""
        known = _known(about, self._figures.get(name, ""), self.size.width - len(GAP))
        style = "reverse" if index == self._cursor and self.has_focus else ""
        return Content.assemble(
            (f"{tick} {suite.title:<{TITLE_WIDTH}}", f"{style} bold".strip()),
            (f"◂{size:>2}▸ {suite.unit}", style),
            (f"\n{GAP}{self._stages.get(name) or known or 'time –'}", LABEL),
        )


def _known(about: str, figure: str, room: int) -> str:
    """How long it takes and what it came to, in whole parts; where there is no room for both, what it came to."""
    figure = GAP.join(one_line(part, 40) for part in figure.split(GAP))
    both = fitting(GAP.join(filter(None, (about, figure))), GAP, room)
    return (figure and both == about and fitting(figure, GAP, room)) or both


def _stage(view: BenchView) -> str:
    """How far it is; empty where it does not run."""
    progress = view.progress
    if progress is None or view.stage != "running":
        return view.stage
    left = f"  {progress.eta_s:.0f} s left" if progress.eta_s is not None else ""
    return f"{progress.done} of {progress.total}{left}"
