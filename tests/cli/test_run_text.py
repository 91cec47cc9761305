"""`run` for people: the text on stdout, the numbers on stderr, faults in one line each."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from playground.engine.backends.scripted.answers import ANSWER
from playground.headless.numbers_table import print_numbers
from playground.protocol.events import StepsExecuted
from playground.protocol.steps import SlotWork, Step
from playground.session.fold import Fold
from playground.session.recording import Entry

LONG = ("--ignore-eos", "--max-tokens", "3000")


@pytest.fixture
def background(home):
    """Starts `playground run` and leaves it running."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, engine: str = "scripted") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "playground", "run", "--engine", engine, "--prompt", "x", *words]
        process = subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], kind: str) -> dict:
    """The first event of a type."""
    for line in process.stdout:
        if (event := json.loads(line))["type"] == kind:
            return event
    raise AssertionError(f"no {kind}")


def test_the_text_is_all_that_stdout_has(run):
    result = run("--prompt", "hello")
    assert result.code == 0
    assert result.stdout == ANSWER


def test_a_text_without_a_line_feed_gets_one(run):
    assert run("--prompt", "hello", "--max-tokens", "2").stdout == "def add_numbers(a,\n"


def test_the_numbers_stand_on_stderr(run):
    numbers = run("--prompt", "hello").stderr
    for label in ("TTFT", "queue", "load", "prefill", "TPS", "TPOT", "ITL p50", "ITL p99", "Memory KV", "tok/s"):
        assert label in numbers
    assert "\x1b" not in numbers


def test_several_requests_are_labelled_line_by_line(run, prompts):
    result = run("--prompts", prompts({"prompt": "a"}, {"prompt": "b"}))
    for name in ("r0", "r1"):
        lines = [line.removeprefix(f"{name} | ") for line in result.stdout.splitlines() if line.startswith(name)]
        assert "\n".join(lines) + "\n" == ANSWER


def test_control_characters_never_reach_the_terminal(run, tmp_path):
    event = {"type": "TokensGenerated", "request_id": "r", "token_ids": [1], "times": [0.0]}
    text = "a\x1b]0;title\x07\x1b[31mred\x9b2J\r\bb\tc\n[bold]d[/bold]"
    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps({"t": 0, "event": event | {"text": text}}) + "\n")
    assert run(str(script), "--prompt", "x").stdout == "a]0;title[31mred2Jb\tc\n[bold]d[/bold]\n"


def test_a_terminal_gets_a_coloured_table(home):
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "playground", "run", "--engine", "scripted", "--prompt", "x"]
    with subprocess.Popen(command, env=home | {"TERM": "xterm-256color", "COLUMNS": "150"}, stderr=writer) as process:
        os.close(writer)
        shown = b""
        while chunk := _read(reader):
            shown += chunk
    assert process.returncode == 0
    assert b"loading: weights" in shown and b"\x1b[1m" in shown and b"tok/s" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl+C"), (signal.SIGTERM, "SIGTERM")])
def test_what_interrupts_ends_the_requests_with_their_numbers(background, number: int, name: str):
    process = background(*LONG, "--json")
    read_until(process, "TokensGenerated")
    process.send_signal(number)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=10)
    summary = json.loads(stdout.splitlines()[-1])
    assert process.returncode == 1 and time.monotonic() - started < 3
    assert summary["requests"][0]["finish_reason"] == "abort" and 0 < summary["totals"]["output_tokens"] < 3000
    assert stderr == f"playground: stopped by {name}\n"


def test_ctrl_c_ends_a_load_at_once(background, home):
    process = background(engine="transformers")
    log = Path(home["XDG_STATE_HOME"]) / "playground" / "log" / f"run-{process.pid}.log"
    while not log.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=2)
    assert (process.returncode, stdout, stderr) == (1, "", "playground: stopped by Ctrl+C\n")


def test_the_death_of_the_worker_is_told(background):
    process = background(*LONG, "--json")
    worker = read_until(process, "WorkerReady")["pid"]
    read_until(process, "TokensGenerated")
    os.kill(worker, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=10)
    summary = json.loads(stdout.splitlines()[-1])
    assert process.returncode == 1 and len(stderr.splitlines()) == 1
    assert "the engine process ended" in stderr
    assert summary["requests"][0]["finish_reason"] == "error" and summary["requests"][0]["message"]


def test_no_worker_outlives_a_killed_run(background):
    process = background(*LONG, "--json")
    worker = read_until(process, "WorkerReady")["pid"]
    process.kill()
    deadline = time.monotonic() + 3
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_reader_that_leaves_early_is_no_traceback(background):
    process = background(*LONG)
    process.stdout.close()
    process.wait(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in process.stderr.read()


def test_a_recording_that_cannot_be_written_is_said_at_once(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("--prompt", "x", "--record", str(tmp_path / "file" / "below"))
    assert result.code == 1 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "cannot record" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_recording_that_ends_early_fails_the_run_after_its_answer(run):
    result = run("--prompt", "x", "--record", "/dev/full")
    assert result.code == 1 and result.stdout == ANSWER
    assert "recording /dev/full ended early: No space left" in result.stderr


def test_drafts_are_counted_under_the_table(capsys):
    fold = Fold()
    slots = [SlotWork(request_id="r0", phase="decode", tokens=5, speculated=4, accepted=kept) for kept in (4, 1)]
    fold.add(Entry(t=0.0, event=StepsExecuted(steps=[Step(index=0, start=0.0, seconds=0.1, slots=slots)])))
    print_numbers(fold)
    line = "drafts 5 of 8 accepted, 62 %   by position 100 % 50 % 50 % 50 %   3.50 tokens a drafted row"
    assert capsys.readouterr().err.endswith(line + "\n")
