"""Rows and bar of the memory panel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.protocol.machine import GpuMemory, GpuProcess, GpuSample, HostSample, MachineSampled, ProcessSample
from playground.protocol.metrics import Memory
from playground.telemetry.ledger import Row, Shares, memory_ledger

MIB, GIB = 1 << 20, 1 << 30
NO_NVML = "no NVML here (no NVIDIA driver)"
HOST = HostSample(memory_total=24 * GIB, memory_used=6 * GIB)
CARD = GpuSample(
    index=0,
    memory=GpuMemory(total=80 * GIB, used=20 * GIB, free=59 * GIB, reserved=GIB, version="v2"),
    processes=(GpuProcess(pid=7, bytes=18 * GIB), GpuProcess(pid=8, bytes=None)),
)


def snapshot(host: HostSample = HOST, reason: str = "", worker: int | None = None) -> MachineSampled:
    if worker is not None:
        host = HostSample(memory_total=24 * GIB, memory_used=6 * GIB, worker=ProcessSample(pid=worker, rss=GIB))
    return MachineSampled(time=1.0, host=host, gpu_reason=reason)


def test_on_a_cpu_the_host_is_the_device_and_the_reason_for_no_gpu_stands_below() -> None:
    memory = Memory(
        weights=2 * GIB,
        weights_predicted=2 * GIB,
        kv_used=1 * GIB,
        kv_reserved=3 * GIB,
        kv_peak=2 * GIB,
        process=4 * GIB,
        process_anonymous=3 * GIB,
        process_file=1 * GIB,
    )
    ledger = memory_ledger(snapshot(reason=NO_NVML), memory)
    assert ledger.rows == (
        Row("device used", 6 * GIB, "of 24.0 GiB · host"),
        Row("process", 4 * GIB, "anonymous 3.00 GiB · file 1.00 GiB"),
        Row("weights", 2 * GIB, "predicted 2.00 GiB"),
        Row("KV used", 1 * GIB, "of 3.00 GiB reserved"),
        Row("KV reserved", 3 * GIB, "most in use 2.00 GiB"),
        Row("other", 3 * GIB),
    )
    assert ledger.shares == Shares(2 / 24, 1 / 24, 3 / 24, 18 / 24)
    assert (ledger.used, ledger.total, ledger.reason) == (6 * GIB, 24 * GIB, NO_NVML)


def test_open_blocks_beside_quantized_ones_are_told() -> None:
    memory = Memory(kv_used=1 * GIB, kv_reserved=3 * GIB, kv_tails=GIB // 2)
    rows = {row.label: row for row in memory_ledger(snapshot(), memory).rows}
    assert rows["KV used"].note == "of 3.00 GiB reserved · 512 MiB of it open blocks"


def test_on_a_gpu_the_card_is_the_device_and_the_allocator_has_rows() -> None:
    memory = Memory(
        weights=14 * GIB, kv_used=2 * GIB, process=17 * GIB, allocated=16 * GIB, reserved=17 * GIB, peak=16 * GIB
    )
    ledger = memory_ledger(snapshot(worker=7, reason="not shown"), memory, CARD)
    rows = {row.label: row for row in ledger.rows}
    labels = ["device used", "process", "allocated", "reserved", "peak", "weights", "KV used", "KV reserved", "other"]
    assert list(rows) == labels
    assert rows["device used"] == Row("device used", 20 * GIB, "of 80.0 GiB · NVML v2")
    assert rows["process"] == Row("process", 18 * GIB, "NVML")
    assert (rows["reserved"].bytes, rows["other"].bytes, ledger.reason) == (17 * GIB, 4 * GIB, "")
    assert ledger.shares == Shares(14 / 80, 2 / 80, 4 / 80, 60 / 80)


@pytest.mark.parametrize("pid", [8, 4711])
def test_a_process_that_nvml_cannot_weigh_shows_its_allocator(pid: int) -> None:
    row = memory_ledger(snapshot(worker=pid), Memory(process=GIB, allocated=4 * GIB, reserved=5 * GIB), CARD).rows[1]
    assert row == Row("process", 5 * GIB, "allocator · NVML does not list this process")


def test_nvml_v1_says_what_its_used_includes() -> None:
    memory = GpuMemory(total=80 * GIB, used=21 * GIB, free=59 * GIB, version="v1")
    row = memory_ledger(snapshot(), Memory(), GpuSample(index=0, memory=memory)).rows[0]
    assert row == Row("device used", 21 * GIB, "of 80.0 GiB · NVML v1, with what the driver reserves")


def test_a_gpu_on_the_hosts_memory_shows_the_host() -> None:
    shared = GpuSample(index=0, missing={"memory": "Not Supported"})
    ledger = memory_ledger(snapshot(), Memory(), shared)
    assert ledger.rows[0] == Row("device used", 6 * GIB, "of 24.0 GiB · host, which this GPU shares")


@pytest.mark.parametrize("sensor", ["memory", "device"])
def test_a_lost_gpu_is_unknown_and_has_no_bar(sensor: str) -> None:
    ledger = memory_ledger(snapshot(), Memory(weights=GIB), GpuSample(index=0, missing={sensor: "GPU is lost"}))
    assert ledger.rows[0] == Row("device used", None, "of – · NVML: GPU is lost")
    assert ledger.rows[-1] == Row("other", None)
    assert ledger.shares is None


def test_before_the_engine_spoke_the_worker_is_known_from_outside() -> None:
    worker = ProcessSample(pid=7, rss=688 * MIB, rss_anonymous=500 * MIB, rss_file=188 * MIB)
    row = memory_ledger(snapshot(HostSample(worker=worker)), Memory()).rows[1]
    assert row == Row("process", 688 * MIB, "anonymous 500 MiB · file 188 MiB")


def test_a_container_is_the_device() -> None:
    host = HostSample(memory_total=24 * GIB, memory_used=9 * GIB, container_limit=8 * GIB, container_used=2 * GIB)
    assert memory_ledger(snapshot(host), Memory()).rows[0] == Row("device used", 2 * GIB, "of 8.00 GiB · container")


amounts = st.integers(0, 100 * GIB)


@given(total=st.integers(1, 50 * GIB), used=amounts, weights=amounts, kv_used=amounts)
def test_the_bar_is_full_whatever_the_figures(total: int, used: int, weights: int, kv_used: int) -> None:
    host = HostSample(memory_total=total, memory_used=used)
    shares = memory_ledger(snapshot(host), Memory(weights=weights, kv_used=kv_used)).shares
    assert shares
    parts = (shares.weights, shares.kv_used, shares.other, shares.free)
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(1)
