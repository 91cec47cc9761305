"""`replay --headless` shows what `run` showed, from the recording alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from playground import app_command, cli
from playground.headless.summary import summarize
from playground.protocol.commands import Submit
from playground.session.fold import Fold
from playground.session.replay import read_recording


@pytest.fixture
def recording(tmp_path):
    return str(tmp_path / "session.jsonl")


def test_the_screen_of_a_replay_takes_a_theme(run, prompts, recording, monkeypatch):
    run("--prompts", prompts({"prompt": "x"}), "--record", recording)
    shown = []
    monkeypatch.setattr(app_command, "_require_terminal", lambda: None)
    monkeypatch.setattr(app_command, "_show", lambda app: shown.append(app.theme) or 0)
    assert cli.main(["replay", recording, "--theme", "light"]) == 0
    assert shown == ["light"]


def test_a_replay_under_a_theme_that_is_not_there_is_refused(run, playground, prompts, recording):
    run("--prompts", prompts({"prompt": "x"}), "--record", recording)
    refused = playground("replay", recording, "--theme", "nope")
    assert refused.code == 2 and "no theme is called 'nope'" in refused.stderr


@pytest.mark.parametrize("count", [1, 3])
def test_replay_prints_the_same_text_and_numbers(run, playground, prompts, recording, count):
    live = run("--prompts", prompts(*[{"prompt": "x"}] * count), "--record", recording)
    replayed = playground("replay", recording, "--headless", "--speed", "0")
    assert replayed.code == 0
    assert replayed.stdout == live.stdout
    assert replayed.stderr.split("   load")[0] == live.stderr.split("   load")[0]


def test_the_fold_of_a_recording_is_the_summary_of_the_run(run, prompts, recording):
    live = run(
        "--prompts",
        prompts({"prompt": "x"}, {"prompt": ""}),
        "--at",
        "2:kv_cache=int8",
        "--json",
        "--record",
        recording,
    )
    fold = Fold()
    for entry in read_recording(Path(recording)):
        fold.add(entry)
    summary = summarize(fold)
    assert [request.text for request in summary.requests] == [r["text"] for r in live.summary["requests"]]
    assert summary.effective == live.summary["effective"] and summary.options == live.summary["options"]
    assert summary.totals.seconds == live.summary["totals"]["seconds"]
    assert summary.totals.occupancy == live.summary["totals"]["occupancy"]
    assert summary.totals.load_seconds == pytest.approx(live.summary["totals"]["load_seconds"], abs=0.05)


def test_a_prompt_that_is_no_text_is_recorded_and_read_back(run, playground, recording):
    live = run("--prompt", os.fsdecode(b"a\xff"), "--record", recording)
    assert live.code == 0 and "unexpected" not in live.stderr
    [submit] = [e.command for e in read_recording(Path(recording)) if isinstance(e.command, Submit)]
    assert submit.requests[0].prompt == "a?"
    assert playground("replay", recording, "--headless", "--speed", "0").stdout == live.stdout


def test_speed_scales_the_time_between_entries(run, playground, recording):
    run("--prompt", "x", "--ignore-eos", "--max-tokens", "400", "--record", recording)
    seconds = {}
    for speed in ("0", "1"):
        started = time.monotonic()
        playground("replay", recording, "--headless", "--speed", speed)
        seconds[speed] = time.monotonic() - started
    length = max(entry.t for entry in read_recording(Path(recording)))
    assert length > 1.5
    assert seconds["1"] >= length > seconds["1"] - seconds["0"] - 1


def test_a_recording_cut_short_is_played_and_said(run, playground, recording):
    run("--prompt", "x", "--record", recording)
    with open(recording, "rb+") as file:
        file.truncate(len(file.read()) - 5)
    result = playground("replay", recording, "--headless", "--speed", "0")
    assert result.code == 0
    lines = len(Path(recording).read_bytes().splitlines())
    said = f"playground: {recording}:{lines}: the recording breaks off here; this line was left out"
    assert said in result.stderr.splitlines() and result.stdout.startswith("def add_numbers")


@pytest.mark.parametrize("content", ["", "not json\n", '{"format":"other","version":1}\n'])
def test_what_is_no_recording_is_refused_in_one_line(playground, tmp_path, content):
    path = tmp_path / "file.jsonl"
    path.write_text(content)
    result = playground("replay", str(path), "--headless")
    assert result.code == 1 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and f"{path}:1: " in result.stderr
