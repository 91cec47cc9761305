"""`playground bench`: tables for people, one JSON file for programs, and nothing lost by Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playground.bench.report import Report
from tests.cli.conftest import Playground

LOAD = ("bench", "load", "--engine", "scripted", "--requests", "4", "--lengths", "fixed 4", "--prompt", "8")


def report(path: Path) -> dict[str, Any]:
    msgspec.json.decode(path.read_bytes(), type=Report)  # it is one
    return json.loads(path.read_text())


def test_a_sweep_of_users(playground: Playground, tmp_path: Path):
    file = tmp_path / "load.json"
    result = playground(*LOAD, "--load", "closed:1,4", "--slo", "ttft=5,e2e=9", "--json", str(file))
    assert result.code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["load", "req/s", "offered"] and lines[1].startswith("closed:1 ")
    assert "\r" not in result.stderr, "no progress line where no one looks"
    written = report(file)
    assert written["suite"] == "load" and [item["load"] for item in written["items"]] == ["closed:1", "closed:4"]
    first, second = written["items"]
    assert first["slo_share"] == second["slo_share"] == 1.0 and first["goodput"] > 0
    assert second["system_tps"] > first["system_tps"] and first["ttft"]["p99"] >= first["ttft"]["p50"] > 0
    assert written["totals"]["goodput_best"] == second["goodput"] and written["trust"]["n"] == 4 + 8
    assert set(written["trust"]["formulas"]) >= {"TTFT", "Goodput", "Saturation", "System TPS"}


def test_the_speed_of_a_load_is_that_of_its_best_level(playground: Playground, tmp_path: Path):
    file = tmp_path / "load.json"
    assert playground(*LOAD, "--load", "closed:1,4", "--json", str(file)).code == 0
    written = report(file)
    best = max(written["items"], key=lambda item: item["system_tps"])
    assert written["totals"]["speed_of"] == best["load"]
    assert written["speed"]["output_tokens"] == best["output_tokens"] == 4 * best["requests"], "no other level"
    assert best["ttft"]["p50"] <= written["speed"]["ttft_s"] <= best["ttft"]["p90"]


def test_rates(playground: Playground, tmp_path: Path):
    file = tmp_path / "load.json"
    result = playground(*LOAD, "--load", "poisson:400,20", "--json", str(file))
    assert result.code == 0, result.stderr
    items = report(file)["items"]
    assert [item["load"] for item in items] == ["poisson:20", "poisson:400"]
    assert all(item["offered"] > 0 and item["goodput"] is None for item in items)


def test_a_load_of_which_nothing_was_served_fails_and_says_why(playground: Playground, tmp_path: Path):
    file = tmp_path / "load.json"
    refused = ("--prompt", "200000", "--slo", "ttft=1", "--load", "closed:1,2", "--json", str(file))
    result = playground(*LOAD, *refused)
    assert result.code == 1 and "saturate" not in result.stdout and "nothing was served" in result.stdout
    written = report(file)
    assert [item["goodput"] for item in written["items"]] == [0.0, 0.0]
    assert written["trust"]["start"] == "cold", "the warm-up was refused as well"
    (note,) = written["trust"]["notes"]
    assert note.startswith("8 of 8 requests failed: ") and "200000" in note and note in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("load", "--load", "closed:none"), "a load cannot be 'closed:none'"),
        (("load", "--slo", "speed=1"), "an SLO cannot be 'speed=1'"),
        (("load", "--lengths", "long"), "lengths cannot be 'long'"),
        (("load", "--requests", "-3"), "--requests"),
        (("attention", "--lengths", "0"), "numbers of tokens from 1"),
        (("attention", "--kernels", "best"), "cannot be 'best'; there are: eager"),
        (("quality", "--base", "kv_cache=int9"), "kv_cache cannot be 'int9'"),
        (("quality", "--base", "kv_cache=model"), "come to the same options"),
        (("quality", "--stride", "900"), "--stride at most the window"),
        (("quality", "--text", "nowhere.txt"), "cannot read nowhere.txt"),
        (("fastest",), "invalid choice: 'fastest'"),
    ],
)
def test_usage(parsed: Playground, words: tuple[str, ...], said: str):
    result = parsed("bench", *words)
    assert (result.code, result.stdout) == (2, "") and said in result.stderr


def test_what_the_engine_cannot_do_is_one_line(playground: Playground):
    result = playground("bench", "attention", "--engine", "scripted")
    assert result.code == 1 and result.stdout == ""
    assert result.stderr.splitlines() == [
        "playground: the scripted engine has no attention to measure; use --engine transformers"
    ]


def test_a_file_that_cannot_be_written_is_told_before_the_run(parsed: Playground, tmp_path: Path):
    result = parsed(*LOAD, "--json", str(tmp_path / "good.json"), "--html", str(tmp_path / "no" / "page.html"))
    assert (result.code, result.stdout) == (2, "") and not list(tmp_path.glob("good*"))
    assert "argument --html: cannot write" in result.stderr and "page.html: No such file or directory" in result.stderr


def test_a_full_disk_costs_one_file_and_not_the_other(playground: Playground, tmp_path: Path):
    page = tmp_path / "page.html"
    result = playground(*LOAD, "--load", "closed:1", "--json", "/dev/full", "--html", str(page))
    assert result.code == 1 and "closed:1" in result.stdout and page.read_text().endswith("</html>\n")
    assert result.stderr.splitlines()[-1] == "playground: cannot write /dev/full: No space left on device"


@pytest.mark.parametrize(
    "words",
    [
        (*LOAD, "--load", "closed:1"),
        ("compare", "--engine", "scripted", "--prompt", "a", "--runs", "1", "--a", "max_batch=2", "--b", "max_batch=3"),
    ],
    ids=["bench", "compare"],
)
def test_a_recording_that_ends_early_is_said(playground: Playground, words: tuple[str, ...]):
    result = playground(*words, "--record", "/dev/full", "--no-history")
    said = "playground: the recording /dev/full ended early: No space left on device"
    assert result.code == 1 and result.stdout and said in result.stderr.splitlines()


def test_a_text_whose_name_is_no_utf8_is_reported(playground: Playground, tmp_path: Path):
    text, file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt")), tmp_path / "out.json"
    text.write_text("def add(a, b): return a + b\n" * 9)
    result = playground("bench", "tokenizer", "--no-speed", "--text", str(text), "--json", str(file))
    assert result.code == 0 and report(file)["items"][0]["name"] == "bad?", result.stderr


def test_ctrl_c_keeps_the_levels_that_were_done(home: dict[str, str], tmp_path: Path):
    file, recording = tmp_path / "load.json", tmp_path / "run.jsonl"
    words = [*LOAD, "--load", "closed:4,1", "--record", str(recording), "--requests", "120", "--json", str(file)]
    words[words.index("--load") + 1] = "closed:1,2"
    process = subprocess.Popen(
        [sys.executable, "-m", "playground", *words], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while "level1-3" not in (recording.read_text() if recording.exists() else ""):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1 and b"closed:1" in out and b"closed:2" not in out
    assert b"stopped by Ctrl+C" in err and b"Traceback" not in err
    written = report(file)
    assert [item["load"] for item in written["items"]] == ["closed:1"]
    assert written["trust"]["notes"] == ["stopped by Ctrl+C"]


def test_attention_of_the_bundled_model(playground: Playground, tmp_path: Path):
    file = tmp_path / "attention.json"
    measured = ("--lengths", "64,128", "--repeats", "2", "--set", "dtype=bfloat16", "--json", str(file))
    result = playground("bench", "attention", *measured)
    assert result.code == 0, result.stderr
    assert "4 heads, 2 of keys and values, dimension 64; roof" in result.stdout
    written = report(file)
    assert len(written["items"]) == 12 and not any(item["fault"] for item in written["items"])
    for item in written["items"]:
        assert item["flops_per_second"] == pytest.approx(item["flops"] / item["seconds"])
        assert item["bytes_per_second"] == pytest.approx(item["bytes"] / item["seconds"])
    assert written["totals"]["shape"] == {"heads": 4, "kv_heads": 2, "head_dim": 64, "itemsize": 2}


def test_quality_of_an_option_set_against_a_base(playground: Playground, tmp_path: Path):
    text, file = tmp_path / "text.txt", tmp_path / "quality.json"
    text.write_text("def add(a, b):\n    return a + b\n" * 12)
    words = ("--set", "dtype=float32", "--set", "kv_cache=int2", "--base", "dtype=float32,kv_cache=model")
    words = (*words, "--recall", "24,48", "--needles", "1")
    result = playground("bench", "quality", "--text", str(text), *words, "--window", "96", "--json", str(file))
    assert result.code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "A/A noise  KL 0.000, agreement 100 %", "the noise comes first"
    assert lines[1] == "base kv_cache=model   this kv_cache=int2"
    written = report(file)
    item = written["items"][0]
    assert item["distance"]["kl_mean"] > item["noise"]["kl_mean"] == 0
    assert item["own"]["tokens"] == item["base"]["tokens"] > 100 and item["own"]["bits_per_byte"] > 0
    assert written["options"]["kv_cache"] == "int2" and written["totals"]["base_options"]["kv_cache"] == "model"
    assert (written["totals"]["window"], written["totals"]["stride"]) == (96, 95)
    recalls = written["totals"]["recall"]
    assert [each["length"] for each in recalls if each["kv_cache"] == "int2"] == [24, 48]
    assert written["effective"]["kv_cache"] == "int2" and written["speed"]["tps"] == written["totals"]["decode_tps"] > 0


def test_needles_that_were_refused_are_not_forgotten_ones(playground: Playground, tmp_path: Path):
    text, file = tmp_path / "text.txt", tmp_path / "quality.json"
    text.write_text("def add(a, b):\n    return a + b\n" * 12)
    words = ("--text", str(text), "--recall", "48,9000", "--needles", "1", "--json", str(file))
    result = playground("bench", "quality", *words)
    assert result.code == 0, result.stderr
    written = report(file)
    recalls = written["totals"]["recall"]
    assert {each["right"] for each in recalls if each["length"] == 48} <= {0, 1}
    assert all((each["right"], each["needles"]) == (None, 0) for each in recalls if each["length"] == 9000)
    (note,) = written["trust"]["notes"]
    assert note.startswith(f"{len(recalls) // 2} of {len(recalls) // 2} needles of 9000 tokens failed: ")
    assert note in result.stderr and result.stdout.splitlines()[-1].split()[2] == "–"


def test_tokens_by_language(playground: Playground, tmp_path: Path):
    file = tmp_path / "tokenizer.json"
    result = playground("bench", "tokenizer", "--no-speed", "--json", str(file))
    assert result.code == 0, result.stderr
    written = report(file)
    assert {"english", "russian", "python"} <= set(written["totals"]["by_language"])
    assert all(item["fertility"] > 1 and item["characters_per_second"] is None for item in written["items"])
