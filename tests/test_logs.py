"""Logs that stay are few, and those of a process that lives are left alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from playground import paths
from playground.client import open_log
from playground.doctor.files import check_files
from playground.logs import KEPT, drop_old_logs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    paths.log_folder().mkdir(parents=True)
    return paths.log_folder()


@pytest.fixture
def ended() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


def write(path: Path, modified: float) -> None:
    path.write_text("said")
    os.utime(path, (modified, modified))


def test_a_run_that_starts_leaves_the_newest_logs_of_those_that_have_ended(folder: Path, ended: int) -> None:
    for age in range(KEPT + 5):
        write(folder / f"engine{age}-{ended}{'.b' if age % 2 else ''}.log", 1e9 - age)
    kept = {path.name for path in folder.iterdir() if 1e9 - path.stat().st_mtime < KEPT}
    own = paths.log_file("engine")
    open_log(own).close()
    assert {path.name for path in folder.iterdir()} == kept | {own.name} and len(kept) == KEPT


def test_what_lives_and_what_is_no_log_stays(folder: Path, ended: int) -> None:
    others = ("notes.txt", "engine-1.log.gz", "-1.log", f"engine-{os.getpid()}.log", "engine-1.log")
    for name in others:
        write(folder / name, 0)
    for number in range(KEPT + 1):
        write(folder / f"run{number}-{ended}.log", 1 + number)
    write(folder / f"run-{2**70}.log", 0.5)
    drop_old_logs()
    left = {path.name for path in folder.iterdir()}
    assert left == {*others, *(f"run{number}-{ended}.log" for number in range(1, KEPT + 1))}


def test_a_folder_that_is_not_there_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nowhere"))
    drop_old_logs()


def test_doctor_says_where_they_are(folder: Path, ended: int) -> None:
    write(folder / f"engine-{ended}.log", 0)
    finding = next(each for each in check_files() if each.name == "logs")
    assert finding.message == f"1 in {folder}; of runs that have ended the newest {KEPT} are kept"
