"""The sampling thread: it delivers, survives its sensors and its listener, ends when told, and never makes one wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest

from playground.protocol.machine import MachineSampled
from playground.telemetry.sampler import Sampler


class Scripted:
    """Sensors that do one thing after the other: give a snapshot, raise, or hang until released."""

    def __init__(self, *script: MachineSampled | Exception | threading.Event) -> None:
        self.script, self.pids, self.closed = list(script), [], threading.Event()

    def read(self, worker_pid: int | None) -> MachineSampled:
        self.pids.append(worker_pid)
        act = self.script.pop(0) if self.script else MachineSampled(time=99.0)
        if isinstance(act, Exception):
            raise act
        if isinstance(act, threading.Event):
            act.wait(5)
            return MachineSampled(time=-1.0)
        return act

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def received() -> Iterator[Queue[MachineSampled]]:
    yield Queue()


def test_real_snapshots_arrive(received: Queue[MachineSampled]) -> None:
    sampler = Sampler(received.put, hertz=4)
    sampler.worker_pid = os.getpid()
    began = time.monotonic()
    sampler.start()
    first, second = received.get(timeout=5), received.get(timeout=5)
    sampler.stop()
    assert began <= first.time < second.time
    assert second.time - first.time >= 0.2
    assert second.host.worker
    assert second.host.worker.pid == os.getpid()
    assert second.gpus or second.gpu_reason


def test_a_failing_sensor_costs_its_sample(received: Queue[MachineSampled]) -> None:
    sensors = Scripted(MachineSampled(time=1.0), OSError("gone"), MachineSampled(time=3.0))
    sampler = Sampler(received.put, 4, lambda: sensors)
    sampler.start()
    assert [received.get(timeout=5).time for _ in range(2)] == [1.0, 3.0]
    sampler.stop()
    assert sensors.closed.wait(5)


def test_a_failing_listener_costs_its_sample(received: Queue[MachineSampled]) -> None:
    def listen(snapshot: MachineSampled) -> None:
        received.put(snapshot)
        if snapshot.time == 1.0:
            raise RuntimeError("screen is closing")

    sampler = Sampler(listen, 4, lambda: Scripted(MachineSampled(time=1.0), MachineSampled(time=2.0)))
    sampler.start()
    assert [received.get(timeout=5).time for _ in range(2)] == [1.0, 2.0]
    sampler.stop()


def test_neither_start_nor_stop_waits_for_a_hanging_driver(received: Queue[MachineSampled]) -> None:
    released = threading.Event()
    sensors = Scripted(released)
    sampler = Sampler(received.put, 4, lambda: sensors)
    began = time.monotonic()
    sampler.start()
    while not sensors.pids:
        time.sleep(0.01)
    sampler.stop()
    assert time.monotonic() - began < 1
    released.set()
    assert sensors.closed.wait(5)
    assert received.empty()


def test_it_starts_again_with_fresh_sensors(received: Queue[MachineSampled]) -> None:
    made: list[Scripted] = []
    sampler = Sampler(received.put, 4, lambda: made.append(Scripted()) or made[-1])
    for _ in range(2):
        sampler.start()
        sampler.start()
        received.get(timeout=5)
        sampler.stop()
        sampler.stop()
        assert made[-1].closed.wait(5)
    assert len(made) == 2


@pytest.mark.parametrize("hertz", [0, 0.5, 5])
def test_other_rates_are_refused(hertz: float) -> None:
    with pytest.raises(ValueError, match="1 to 4 Hz"):
        Sampler(print, hertz)


def test_nothing_heavy_is_loaded_and_nothing_of_nvml_before_the_first_sample() -> None:
    program = (
        "import sys, playground.telemetry.ledger, playground.telemetry.devices\n"
        "from playground.telemetry.sampler import MachineSensors\n"
        "print(sorted({'pynvml', 'psutil'} & set(sys.modules)))\n"
        "MachineSensors()\n"
        "print(sorted({'pynvml', 'psutil', 'torch', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['psutil', 'pynvml']"]
