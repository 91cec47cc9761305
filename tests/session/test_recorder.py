"""Recording: what stands in the file, when it gets there, and what a kill or a full disk costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from playground import __version__
from playground.protocol.events import Failed
from playground.session import recorder as module
from playground.session.recorder import FLUSH_SECONDS, Recorder
from playground.session.recording import RecordingError
from playground.session.replay import read_recording

ROOT = Path(module.__file__).parents[2]


def failure(index: int) -> Failed:
    return Failed(where=str(index), message="m")


def test_a_recording_is_a_header_and_one_line_each(recorded: Path) -> None:
    header, *lines = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert (header["format"], header["version"], header["program"]) == ("playground-recording", 1, __version__)
    assert header["engine"] == "scripted"
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(header["created"]) < timedelta(minutes=5)
    assert [set(line) for line in lines[:2]] == [{"t", "event"}, {"t", "command"}]
    assert lines[1] == {
        "t": 0.25,
        "command": {"type": "LoadModel", "model": "tiny-coder", "options": lines[1]["command"]["options"]},
    }
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


def test_the_environment_is_not_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with closing(Recorder(tmp_path / "a.jsonl", model="m", versions={"torch": "2.13"})) as recorder:
        recorder.add(failure(0))
    text = recorder.path.read_text()
    assert "secret" not in text and os.environ["PATH"] not in text
    assert set(json.loads(text.splitlines()[0])) == {
        "format", "version", "program", "created", "model", "engine", "versions",
    }  # fmt: skip


def test_tokens_are_written_in_bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600)
    recorder = Recorder(tmp_path / "a.jsonl")
    for index in range(1000):
        recorder.add(failure(index))
    assert recorder.path.stat().st_size == 0
    recorder.close()
    recorder.close()
    recorder.add(failure(1000))
    assert len(list(read_recording(recorder.path))) == 1000


def test_what_was_recorded_reaches_the_file_without_more_to_come(tmp_path: Path) -> None:
    with closing(Recorder(tmp_path / "a.jsonl")) as recorder:
        recorder.add(failure(0))
        until = time.monotonic() + 10 * FLUSH_SECONDS
        while not recorder.path.stat().st_size and time.monotonic() < until:
            time.sleep(0.02)
        assert len(list(read_recording(recorder.path))) == 1


def test_a_kill_costs_the_last_moment_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = (
        "import sys, time; from pathlib import Path; from playground.protocol.events import Failed;"
        "from playground.session.recorder import Recorder; recorder = Recorder(Path(sys.argv[1]))\n"
        "for index in range(10**9):\n"
        "    recorder.add(Failed(where=str(index), message='m' * 200))\n"
        "    print(index, flush=True); time.sleep(0.0005)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout
        first = child.stdout.readline()
        seen = [time.monotonic()]  # when the event of each index had been recorded, at the latest
        while seen[-1] - seen[0] < 1.0:
            child.stdout.readline()
            seen.append(time.monotonic())
        child.kill()
    assert first == b"0\n"
    kept = [int(entry.event.where) for entry in read_recording(path) if isinstance(entry.event, Failed)]
    assert kept == list(range(len(kept)))
    due = sum(moment < seen[-1] - FLUSH_SECONDS - 0.5 for moment in seen)  # half a second for a machine that is busy
    assert len(kept) >= due > 100


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_the_recording_and_is_kept_as_its_error() -> None:
    recorder = Recorder(Path("/dev/full"))
    for index in range(3):
        recorder.add(failure(index))
        time.sleep(1.5 * FLUSH_SECONDS)
    recorder.close()
    assert recorder.error == "the recording /dev/full ended early: No space left on device"


def test_a_disk_that_does_not_answer_holds_up_no_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.3)
    os.mkfifo(path := tmp_path / "stuck.jsonl")
    unread = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    recorder = Recorder(path)
    recorder.add(Failed(where="x" * (1 << 20), message="more than a pipe takes"))
    started = time.monotonic()
    recorder.close()
    assert time.monotonic() - started < 2
    assert recorder.error == f"the recording {path} is cut short: its disk does not answer"
    os.close(unread)


def test_a_file_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"^cannot record to .*/file/a\.jsonl: "):
        Recorder(tmp_path / "file" / "a.jsonl")
    with pytest.raises(RecordingError, match=r"^cannot record to .*: Is a directory$"):
        Recorder(tmp_path)
