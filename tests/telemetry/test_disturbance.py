"""What held the GPU back while something was measured."""

from __future__ import annotations

import pytest

from playground.protocol.machine import Board, GpuProcess, GpuSample, MachineSampled
from playground.telemetry.disturbance import Disturbance


def card(throttle: tuple[str, ...] | None, processes: int | None, index: int = 0) -> GpuSample:
    running = None if processes is None else tuple(GpuProcess(pid=pid, bytes=None) for pid in range(processes))
    return GpuSample(index=index, uuid=f"GPU-{index}", board=Board(throttle=throttle), processes=running)


def look(throttle: tuple[str, ...] | None, processes: int | None) -> MachineSampled:
    return MachineSampled(time=0.0, gpus=(card(throttle, processes),))


def test_it_keeps_every_reason_and_the_most_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen = Disturbance("cuda:0")
    for snapshot in (look((), 1), look(("power cap",), 3), look(("thermal", "power cap"), 1)):
        seen.add(snapshot)
    assert seen.throttled == ("power cap", "thermal")
    assert seen.other_processes == 2


def test_an_undisturbed_gpu_is_told_from_one_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    quiet, mute, cpu = Disturbance("cuda:0"), Disturbance("cuda:0"), Disturbance("cpu")
    quiet.add(look((), 1))
    mute.add(look(None, None))
    cpu.add(look(("thermal",), 4))
    assert (quiet.throttled, quiet.other_processes) == ((), 0)
    assert (mute.throttled, mute.other_processes) == (cpu.throttled, cpu.other_processes) == (None, None)


def test_a_driver_that_lists_no_process_does_not_say_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    contained = Disturbance("cuda:0")
    contained.add(look((), 0))  # as in containers: the engine, which does compute there, is not listed either
    assert contained.other_processes is None
    contained.add(look((), 2))
    contained.add(look((), 0))
    assert contained.other_processes == 1


def test_the_uuid_and_not_cudas_number_says_which_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    seen = Disturbance("cuda:0", uuid="GPU-1")
    seen.add(MachineSampled(time=0.0, gpus=(card((), 1), card(("thermal",), 3, index=1))))
    assert (seen.throttled, seen.other_processes) == (("thermal",), 2)
