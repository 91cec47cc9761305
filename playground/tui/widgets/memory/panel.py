"""The memory panel: the bytes of the device as a bar and as rows, and the state of its GPU."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.geometry import Size

from playground.protocol.machine import GpuSample, MachineSampled
from playground.protocol.metrics import Memory
from playground.telemetry.ledger import memory_ledger, server_ledger
from playground.text import numbers
from playground.tui.widgets.line_panel import LinePanel
from playground.tui.widgets.memory import lines as memory_lines

FULL_WIDTH = 40
SERVER = "server"  # the device of a model that is not on this machine


class MemoryPanel(LinePanel):
    """Shows the ledger of the engine's device; if narrow or low, the bar alone."""

    DEFAULT_CSS = """
    MemoryPanel { height: auto; background: $surface; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._ledger = memory_ledger(MachineSampled(time=0.0), Memory())
        self._gpu: GpuSample | None = None
        self._device = numbers.UNKNOWN

    def show(self, memory: Memory, machine: MachineSampled, gpu: GpuSample | None = None, device: str = "cpu") -> None:
        """Show other figures; `gpu` is the sample of the engine's own GPU, None on other devices."""
        before = (self._ledger, self._gpu, self._device)
        ledger = server_ledger() if device == SERVER else memory_ledger(machine, memory, gpu)
        self._ledger, self._gpu, self._device = ledger, gpu, device
        if len(before[0].rows) != len(ledger.rows):
            self.refresh(layout=True)
        elif before != (ledger, gpu, device):
            self.show_lines()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def lines(self, width: int, height: int) -> list[Content]:
        lines = self._lines(width)
        return lines if len(lines) <= height else memory_lines.headline(self._ledger, width)

    def _lines(self, width: int) -> list[Content]:
        if width < FULL_WIDTH:
            return memory_lines.headline(self._ledger, width)
        return [
            memory_lines.title(self._device, width),
            memory_lines.bar_line(self._ledger, width),
            *memory_lines.rows(self._ledger, width),
            memory_lines.gpu_line(self._gpu, self._ledger, width),
        ]
