"""Real processes: a UI that is killed outright, its worker, and what the worker has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from playground.protocol.events import WorkerReady
from tests.worker.processes import ROOT, alive, seconds_until_gone, write_answer, write_starter

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a group is all that can be found again")


def started_by(child_file: Path) -> list[int]:
    """The children that an engine of these tests has written down."""
    return [int(pid) for pid in child_file.read_text().split()] if child_file.exists() else []


@pytest.mark.parametrize(
    "engine", ["noisy", "stuck", pytest.param("seized", marks=linux), pytest.param("leaving", marks=linux)]
)
def test_two_seconds_after_the_ui_was_killed_none_of_its_processes_is_left(engine, tmp_path, child_file):
    words = [write_starter(tmp_path), engine, write_answer(tmp_path, 1000), str(tmp_path / "worker.log")]
    words += ["weights"] if engine in ("stuck", "seized") else []
    command = [sys.executable, "-m", "tests.worker.ui_stand_in", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as ui:
        pids = [int(ui.stdout.readline())]
        assert ui.stdout.readline() == b"working\n"
        pids += started_by(child_file)
        assert all(map(alive, pids))
        ui.send_signal(signal.SIGKILL)
        assert seconds_until_gone(*pids) < 2


@linux
@pytest.mark.parametrize("end", ["killed", "end of input", "supervisor told"])
def test_what_has_a_session_of_its_own_ends_with_the_worker(start, child_file, end):
    worker = start("leaving")
    left = started_by(child_file)
    assert len(left) == 2 and all(map(alive, left))
    if end == "killed":
        os.kill(worker.pid, signal.SIGKILL)
    elif end == "end of input":
        worker.process.stdin.close()
    else:
        worker.process.terminate()
    assert worker.process.wait(timeout=10) == (0 if end == "end of input" else -signal.SIGKILL)
    assert not any(map(alive, (worker.pid, *left)))


@linux
def test_a_worker_ends_with_its_supervisor(start):
    worker = start()
    worker.process.kill()
    assert seconds_until_gone(worker.pid) < 2


@linux
def test_the_worker_of_a_ui_that_ends_while_it_starts_does_not_start(tmp_path):
    command = [write_starter(tmp_path), "-m", "playground.worker", "engine", "scripted"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as worker:
        worker.stdin.close()
        assert WorkerReady.__name__.encode() not in worker.stdout.read() and worker.wait() == 0
