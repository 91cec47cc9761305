"""What held the GPU back while something was measured."""

from __future__ import annotations

from playground.telemetry.disturbance import Disturbance
from playground.telemetry.snapshot import Board, GpuProcess, GpuSample, Snapshot


def look(throttle: tuple[str, ...] | None, processes: int | None, index: int = 0) -> Snapshot:
    running = None if processes is None else tuple(GpuProcess(pid=pid, bytes=None) for pid in range(processes))
    return Snapshot(time=0.0, gpus=(GpuSample(index=index, board=Board(throttle=throttle), processes=running),))


def test_it_keeps_every_reason_and_the_most_processes(monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen = Disturbance("cuda:0")
    for snapshot in (look((), 1), look(("power cap",), 3), look(("thermal", "power cap"), 1)):
        seen.add(snapshot)
    assert seen.throttled == ("power cap", "thermal")
    assert seen.other_processes == 2


def test_an_undisturbed_gpu_is_told_from_one_that_says_nothing(monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    quiet, mute, cpu = Disturbance("cuda:0"), Disturbance("cuda:0"), Disturbance("cpu")
    quiet.add(look((), 1))
    mute.add(look(None, None))
    cpu.add(look(("thermal",), 4))
    assert (quiet.throttled, quiet.other_processes) == ((), 0)
    assert (mute.throttled, mute.other_processes) == (cpu.throttled, cpu.other_processes) == (None, None)
