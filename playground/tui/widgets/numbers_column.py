"""The right column: speed, memory, switches, throughput over time. Redraws no more often than can be read."""

from __future__ import annotations

from time import monotonic

from textual.containers import Vertical
from textual.timer import Timer

from playground.tui.letters import Letters
from playground.tui.memory_source import engine_device
from playground.tui.speed.source import speed_view
from playground.tui.state.changes import Changes
from playground.tui.state.state import State
from playground.tui.toggles.rows import Candidate
from playground.tui.widgets.memory.panel import MemoryPanel
from playground.tui.widgets.speed.panel import SpeedPanel
from playground.tui.widgets.switch_panel import SwitchPanel
from playground.tui.widgets.timeline.panel import TimelinePanel
from playground.tui.widgets.waterfall import Waterfall

READABLE_S = 0.5


class NumbersColumn(Vertical):
    """The panels, mounted after the first frame."""

    def __init__(self, letters: Letters, state: State) -> None:
        super().__init__(id="right")
        self._letters, self._state = letters, state
        self._candidate: Candidate | None = None
        self._hint = ""
        self._shown = 0.0
        self._due: Timer | None = None
        self._speed = SpeedPanel(id="speed", classes="panel")
        self._voice = Waterfall(id="voice", classes="panel")
        self._memory = MemoryPanel(id="memory", classes="panel")
        self._switch = SwitchPanel(id="switch", classes="panel")
        self._timeline = TimelinePanel(id="timeline", classes="panel")

    def on_mount(self) -> None:
        """Mount the panels after the first frame: the prompt comes first, and nothing is measured yet."""
        self.call_after_refresh(self._fill)

    async def _fill(self) -> None:
        if not self.is_attached:  # the app quit at the first frame
            return
        await self.mount(self._speed, self._voice, self._memory, self._switch, self._timeline)
        self._show_numbers()

    def show(self, changes: Changes) -> None:
        """Draw the newest numbers, now or soon."""
        event = changes.started or changes.finished or changes.unloaded or changes.died
        if event or self._state.status != "running" or monotonic() - self._shown >= READABLE_S:
            self._show_numbers()
        elif self._due is None:
            self._due = self.set_timer(2 * READABLE_S, self._show_numbers)

    def enlarge(self, larger: bool) -> None:
        """Show TTFT and TPS in larger digits, for a room, or in the usual ones."""
        self.set_class(larger, "-big")
        self._speed.larger = larger

    def consider(self, candidate: Candidate | None, hint: str) -> None:
        """Show what a value would do, or the hint without one."""
        self._candidate, self._hint = candidate, hint
        self._show_switch()

    def _show_numbers(self) -> None:
        if self._due:
            self._due.stop()
            self._due = None
        self._shown = monotonic()
        if not self._switch.is_mounted:
            return
        self._voice.show(self._state)
        self.set_class(self._voice.has_class("-shown"), "-spoken")
        self._speed.show(speed_view(self._state, self._letters))
        self._show_memory()
        self._show_switch()
        self._timeline.show(self._state.timeline)

    def _show_switch(self) -> None:
        if self._switch.is_mounted:
            self._switch.show(self._state, self._candidate, self._hint)

    def _show_memory(self) -> None:
        if self._memory.is_mounted:
            gpu, device = engine_device(self._state)
            self._memory.show(self._state.memory, self._state.machine, gpu, device)
