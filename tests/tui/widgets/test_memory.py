"""The memory panel: bar, rows, the GPU or why there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.protocol.machine import Board, GpuMemory, GpuSample, MachineSampled
from playground.protocol.metrics import Memory
from playground.telemetry.ledger import memory_ledger
from playground.tui.widgets.memory import lines as memory_lines
from playground.tui.widgets.memory.bar import LITTLE, bar_parts
from playground.tui.widgets.memory.panel import MemoryPanel
from tests.tui.widgets.panels_app import MACHINE, MEMORY, PanelsApp

GIB = 1 << 30
GPU = GpuSample(
    index=0,
    name="NVIDIA H200",
    memory=GpuMemory(total=141 * GIB, used=90 * GIB, free=51 * GIB, reserved=GIB, version="v2"),
    board=Board(utilization_percent=97, power_watts=612.3, temperature_celsius=64, throttle=("power cap",)),
)
ON_GPU = Memory(weights=61 * GIB, kv_used=14 * GIB, kv_reserved=20 * GIB, allocated=80 * GIB, reserved=86 * GIB)


def rows(memory: Memory = MEMORY, machine: MachineSampled = MACHINE, gpu: GpuSample | None = None) -> list[str]:
    return [line.plain.rstrip() for line in memory_lines.rows(memory_ledger(machine, memory, gpu), 48)]


def test_rows_name_each_part_with_its_unit() -> None:
    assert rows() == [
        "█ weights    12.2 MiB  predicted 12.2 MiB",
        "▓ KV used    1.40 MiB  of 512 MiB reserved",
        "▒ other      1.41 GiB",
        "  process     688 MiB  anonymous 300 MiB",
    ]


def test_bytes_stand_in_one_column() -> None:
    lines = rows(ON_GPU, MachineSampled(time=1.0, gpus=(GPU,)), GPU)
    assert {line.index(" GiB") for line in lines if "GiB" in line} == {17}
    assert "  process    86.0 GiB  allocator" in lines


def test_the_bar_line_says_used_of_total() -> None:
    line = memory_lines.bar_line(memory_ledger(MACHINE, MEMORY), 48).plain
    assert len(line) == 48
    assert line.endswith("  1.42 of 23.4 GiB")
    assert line.startswith(LITTLE * 2 + "▒▒░")


def test_without_a_gpu_the_reason_is_told() -> None:
    ledger = memory_ledger(MACHINE, MEMORY)
    assert memory_lines.gpu_line(None, ledger, 48).plain == "GPU: no NVML here (no NVIDIA driver)"


def test_a_gpu_tells_its_sensors_and_that_it_is_throttled() -> None:
    ledger = memory_ledger(MachineSampled(time=1.0, gpus=(GPU,)), ON_GPU, GPU)
    wide = memory_lines.gpu_line(GPU, ledger, 80).plain
    assert wide == "NVIDIA H200 · 97 % · 612 W · 64 °C  throttled: power cap"
    assert memory_lines.gpu_line(GPU, ledger, 48).plain == "NVIDIA H200 · 97 % · 612 W  throttled: power cap"


def test_unknown_memory_has_no_bar_and_dashes() -> None:
    ledger = memory_ledger(MachineSampled(time=0.0), Memory())
    assert memory_lines.bar_line(ledger, 40).plain.strip() == "– of –"
    assert rows(Memory(), MachineSampled(time=0.0))[2] == "▒ other             –"


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(sum), st.integers(8, 80))
def test_the_bar_is_always_as_wide_as_asked_and_shows_every_part(parts: list[float], width: int) -> None:
    shares = [part / sum(parts) for part in parts]
    bar = bar_parts(shares, "█▓▒░", width)
    assert sum(map(len, bar)) == width
    assert all(text for text, share in zip(bar, shares, strict=True) if share > 0)


@pytest.mark.parametrize(("width", "height"), [(28, 2), (50, 7)])
async def test_narrow_panels_keep_the_bar_alone(width: int, height: int) -> None:
    async with PanelsApp(narrow=width < 40).run_test(size=(100, 30)) as pilot:
        panel = pilot.app.query_one(MemoryPanel)
        assert panel.size.height == height
        assert "1.42 of 23.4 GiB" in panel.render().plain


async def test_a_row_more_makes_the_panel_higher() -> None:
    async with PanelsApp().run_test(size=(100, 40)) as pilot:
        panel = pilot.app.query_one(MemoryPanel)
        panel.show(ON_GPU, MachineSampled(time=1.0, gpus=(GPU,)), GPU, "cuda:0")
        await pilot.pause()
        assert panel.size.height == 9
        assert "device cuda:0" in panel.render().plain
