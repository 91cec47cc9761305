"""Three real processes: a UI that is killed outright, its worker, and the worker's child."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.worker.processes import ROOT, alive, seconds_until_gone, write_answer, write_starter


@pytest.mark.parametrize("engine", ["noisy", "stuck"])
def test_two_seconds_after_the_ui_was_killed_none_of_its_processes_is_left(engine, tmp_path, child_file):
    words = [write_starter(tmp_path), engine, write_answer(tmp_path, 1000), str(tmp_path / "worker.log")]
    words += ["weights"] if engine == "stuck" else []
    command = [sys.executable, "-m", "tests.worker.ui_stand_in", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as ui:
        pids = [int(ui.stdout.readline())]
        assert ui.stdout.readline() == b"working\n"
        if engine == "noisy":
            pids.append(int(child_file.read_text()))
        assert all(map(alive, pids))
        ui.send_signal(signal.SIGKILL)
        assert seconds_until_gone(*pids) < 2
