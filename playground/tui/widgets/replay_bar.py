"""Where a replay is: its position, its length, its speed, and whether it is paused or has ended."""

from __future__ import annotations

from math import isinf

from textual.content import Content
from textual.widget import Widget

from playground.tui.actions import ACTIONS
from playground.tui.replay_feed import ReplayFeed
from playground.tui.styles import MUTED
from playground.tui.widgets.progress_bar import progress_bar

LOOKS_PER_SECOND = 10
LEAST_BAR, MOST_BAR = 6, 60


class ReplayBar(Widget):
    """One line; it changes while the replay plays and stands still otherwise."""

    DEFAULT_CSS = """
    ReplayBar { height: 1; padding: 0 1; background: $background; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, replay: ReplayFeed) -> None:
        super().__init__()
        self._replay = replay
        self._line = Content()

    def on_mount(self) -> None:
        """Time passes without events as well."""
        self.set_interval(1 / LOOKS_PER_SECOND, self.look)

    def look(self) -> None:
        """Redraw if it is elsewhere."""
        line = replay_line(self._replay, self.size.width)
        if line != self._line:
            self._line = line
            self.refresh()

    def on_resize(self) -> None:
        """Fit the line to the new width."""
        self.look()

    def render(self) -> Content:
        return self._line


def replay_line(replay: ReplayFeed, width: int) -> Content:
    """State, position, length and speed; after the end, the keys that go on."""
    state = "ended" if replay.ended else "seeking" if replay.seeking else "paused" if replay.paused else "playing"
    speed = "at once" if isinf(replay.speed) else f"{replay.speed:g}x"
    again, leave = ACTIONS["replay_pause"].shown_key, ACTIONS["quit"].shown_key
    words = f"{again} plays it again   {leave} quits" if replay.ended else speed
    colour = "$success" if state == "playing" else "$warning"
    position, whole = f"{_clock(replay.position)} ", f" {_clock(replay.length)}   "
    head = Content.assemble((f"{state:<9}", f"bold {colour}"), position)
    room = width - head.cell_length - len(whole) - len(words)
    share = replay.position / replay.length if replay.length else 1.0
    bar = progress_bar(share, min(MOST_BAR, room) if room >= LEAST_BAR else 0)
    return Content.assemble(head, bar, (whole, MUTED), words)


def _clock(seconds: float) -> str:
    """Minutes and seconds: 0:07.3."""
    tenths = int(seconds * 10 + 0.5)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"
