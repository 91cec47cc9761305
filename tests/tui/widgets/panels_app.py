"""An app with the board, the speed panel and the memory panel, all of them with made-up numbers."""

from __future__ import annotations

import random

from textual.app import App, ComposeResult
from textual.containers import Vertical

from playground.protocol.machine import HostSample, MachineSampled
from playground.protocol.metrics import Memory
from playground.theme import load_theme
from playground.tui.letters import Letter
from playground.tui.speed.view import SpeedView
from playground.tui.widgets.board.board import BatchBoard
from playground.tui.widgets.memory.panel import MemoryPanel
from playground.tui.widgets.speed.panel import SpeedPanel
from tests.tui.widgets.steps import steps

MIB = 1 << 20
MEMORY = Memory(
    weights=int(12.2 * MIB),
    weights_predicted=int(12.2 * MIB),
    kv_used=int(1.4 * MIB),
    kv_reserved=512 * MIB,
    process=688 * MIB,
    process_anonymous=300 * MIB,
    process_file=388 * MIB,
)
HOST = HostSample(memory_total=int(23.4 * 1024 * MIB), memory_used=int(1.42 * 1024 * MIB))
MACHINE = MachineSampled(time=1.0, host=HOST, gpu_reason="no NVML here (no NVIDIA driver)")
_random = random.Random(4)
SPEED = SpeedView(
    letter=Letter("A", 0),
    ttft_s=0.0184,
    queue_s=0.0002,
    prefill_s=0.0182,
    tps=352.14,
    tpot_s=0.00284,
    characters_per_second=1204.4,
    itl_s=tuple(0.0028 + _random.gauss(0, 0.0002) + 0.005 * (number == 50) for number in range(60)),
    itl_p50_s=0.0028,
    itl_p99_s=0.0041,
    running=True,
)
STEPS = steps(
    "Ap Ap Ad Ad Ad Aa Aa Ad Ad Ad Ah Ah Ah Ah",
    "Bp Bd Bd Bd -- -- Bp Bp Bd Bd Bd Bd Bd Bd",
    "-- Cp Cp Cp Cd Cd Cd Cd Cd Dp Dd Dd Dd Dd",
    "-- -- -- -- -- -- -- -- -- -- -- -- -- --",
    ends="9A 8C 13B",
    preempts="4B",
    waits=["E", "F"],
    first=1029,
)


class PanelsApp(App[None]):
    """`narrow`: as wide as the column of a small terminal."""

    CSS = """
    Vertical { width: 50; height: auto; padding: 0 1; }
    .narrow Vertical { width: 28; }
    .narrow SpeedPanel { height: 5; }
    """

    def __init__(self, theme: str = "dark", narrow: bool = False) -> None:
        super().__init__()
        self._first_theme, self._narrow = theme, narrow

    def compose(self) -> ComposeResult:
        with Vertical():
            yield SpeedPanel()
            yield MemoryPanel()
        yield BatchBoard()

    def on_mount(self) -> None:
        self.register_theme(load_theme(self._first_theme))
        self.theme = self._first_theme
        self.screen.set_class(self._narrow, "narrow")
        self.query_one(SpeedPanel).show(SPEED)
        self.query_one(MemoryPanel).show(MEMORY, MACHINE, device="cpu")
        self.query_one(BatchBoard).add_steps(STEPS)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Define our variables: stylesheets are parsed before one of our themes is set."""
        return load_theme("dark").variables

    def text_of(self, widget: SpeedPanel | MemoryPanel | BatchBoard) -> list[str]:
        """The text of a widget, line by line."""
        return [strip.text for strip in widget.render_lines(widget.size.region)]
