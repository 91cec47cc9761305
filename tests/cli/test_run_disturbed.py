"""`run` says what disturbed it, and so does its row of the history."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from playground import paths
from playground.headless import job
from playground.protocol.machine import Board, GpuProcess, GpuSample, MachineSampled
from playground.session.history.database import Database
from playground.session.history.query import Query
from playground.session.replay import read_recording
from playground.telemetry import disturbance

WORDS = ("run", "--engine", "scripted", "--prompt", "hello")
BUSY = GpuSample(
    index=0,
    board=Board(throttle=("power cap",)),
    processes=(GpuProcess(pid=1, bytes=None), GpuProcess(pid=2, bytes=None)),
)


class Constant:
    """In place of the sampler: one look, and the machine is as it is told to be."""

    def __init__(self, received: Callable[[MachineSampled], None]) -> None:
        self._received = received

    def start(self) -> None:
        self._received(MachineSampled(time=0.0, gpus=(BUSY,)))

    def stop(self) -> None: ...


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "Sampler", Constant)
    monkeypatch.setattr(disturbance, "find_gpu", lambda gpus, device, visible, uuid: gpus[0])


@pytest.mark.usefixtures("busy")
def test_a_disturbed_run_says_so(parsed):
    flags = ["throttled", "GPU shared with 1"]
    assert json.loads(parsed(*WORDS, "--json").stdout.splitlines()[-1])["disturbed"] == flags
    assert ", ".join(flags) in parsed(*WORDS).stderr
    runs = Database(paths.history_database()).newest(Query(), 2)
    assert [run.flags for run in runs] == [flags, flags]


def test_a_run_without_a_gpu_says_nothing_of_it(parsed):
    assert "disturbed" not in json.loads(parsed(*WORDS, "--json").stdout.splitlines()[-1])


@pytest.mark.usefixtures("busy")
def test_a_recorded_run_holds_the_machine(parsed, tmp_path):
    recording = tmp_path / "run.jsonl"
    parsed(*WORDS, "--record", str(recording))
    machines = [entry.event for entry in read_recording(recording) if isinstance(entry.event, MachineSampled)]
    assert [machine.gpus for machine in machines] == [(BUSY,)]
