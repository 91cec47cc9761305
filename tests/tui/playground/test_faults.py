"""Faults outside of the engine are shown as one line, and the screen stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter

import pytest

from playground import paths
from playground.config import VLLM_PYTHON
from playground.protocol.events import Failed
from playground.session.recorder import FLUSH_SECONDS, Recorder
from playground.tui import session
from playground.tui.app import PlaygroundApp
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("asked", ["on the command line", "by key"])
async def test_a_recording_on_a_full_disk_is_told_at_once_and_is_none(
    asked: str, opened: Opened, until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(FULL) if asked == "on the command line" else None
    async with opened(recorder=recorder) as (app, pilot):
        if recorder is None:
            monkeypatch.setattr(paths, "recordings_folder", lambda: FULL.parent)
            monkeypatch.setattr(session, "RECORDING_NAME", FULL.name)
            app.session.toggle_recording()
        await until(pilot, lambda: "/dev/full ended early: No space left on device" in shown(app))
        await until(pilot, lambda: "REC" not in shown(app))
        assert app.bridge.state.recording == ""
        await pilot.pause(2 * FLUSH_SECONDS)
        assert shown(app).count("ended early") == 1


@pytest.mark.parametrize("why", ["No such file or directory", "Permission denied"])
async def test_an_interpreter_that_cannot_be_started_is_told_and_can_be_mended(
    why: str, until: Wait, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    if why == "Permission denied":
        python.touch(mode=0o644)
    monkeypatch.setenv(VLLM_PYTHON, str(python))
    app = PlaygroundApp(engine="vllm", model=str(tmp_path))
    async with app.run_test(size=(160, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: f"python: {why}" in shown(app))
        assert "[engines.vllm] python" in " ".join(shown(app).split()) and state.status == "failed"
        await pilot.press("ctrl+y")
        await until(pilot, lambda: len(app.workers) == 0)
        assert f"python: {why}" in shown(app) and state.status == "failed"
        python.unlink(missing_ok=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: state.model.pid)


async def test_a_disk_that_does_not_answer_holds_up_no_key(opened: Opened, until: Wait, tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "stuck.jsonl")
    unread = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    async with opened(recorder=(recorder := Recorder(path))) as (app, pilot):
        recorder.add(Failed(where="x" * (1 << 20), message="more than a pipe takes"))
        started = perf_counter()
        app.session.toggle_recording()
        assert perf_counter() - started < 0.5
        await until(pilot, lambda: "its disk does not answer" in " ".join(shown(app).split()))
    os.close(unread)
