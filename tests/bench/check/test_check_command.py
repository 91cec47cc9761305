"""`playground check` as people run it: exit codes, one finding a line, and what a broken checkpoint reads like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from playground import paths
from playground.bench.check.generation import distinct
from tests.engine.transformers import checkpoints


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("home")
    kinds = ("CONFIG", "STATE", "DATA", "CACHE")
    return os.environ | {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in kinds} | {"HF_HUB_OFFLINE": "1"}


def run(home: dict[str, str], *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "playground", "check", *words]
    done = subprocess.run(command, env=home, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stdout, done.stderr


def report(home: dict[str, str], folder: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    code, stdout, stderr = run(home, str(folder), "--json")
    assert stderr == ""
    said = json.loads(stdout)
    assert said["type"] == "Check"
    return code, {finding["name"]: finding for finding in said["findings"]}


def test_the_bundled_model_passes_and_each_finding_is_a_line(home):
    code, stdout, _ = run(home, str(paths.bundled_model()))
    *lines, last = stdout.splitlines()
    assert code == 0 and len(lines) == 27 and {line.split()[0] for line in lines} == {"pass"}
    assert "pass   27 pass, 0 warn, 0 fail" in last
    assert any(line.startswith("pass  kv_cache=int4") and "KL" in line for line in lines)


def test_a_random_model_is_unlikely_and_not_broken(home, tmp_path):
    code, findings = report(home, checkpoints.make(tmp_path / "random"))
    assert code == 0 and findings["perplexity"]["verdict"] == "warn"
    assert "no better than chance" in findings["perplexity"]["advice"]


def test_a_broken_number_fails_before_anything_is_loaded(home, tmp_path):
    folder = checkpoints.make(tmp_path / "nan")
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"][3] = np.nan
    save_file(weights, file, metadata={"format": "pt"})
    code, findings = report(home, folder)
    assert code == 1 and findings["NaN or Inf"]["verdict"] == "fail" and "generation" not in findings


def test_logits_that_overflow_are_told(home, tmp_path):
    folder = checkpoints.make(tmp_path / "overflow")
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"] = np.full(32, 3e38, np.float32)
    save_file(weights, file, metadata={"format": "pt"})
    code, findings = report(home, folder)
    assert code == 1 and findings["perplexity"]["verdict"] == "fail"
    assert "NaN or Inf" in findings["perplexity"]["evidence"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "factor", "exit_code", "overflows"),
    [
        (("self_attn.q_proj", "self_attn.k_proj"), 1e37, 1, {"perplexity": "fail", "outliers": "fail"}),
        (("mlp.down_proj",), 1e30, 0, {"weights=int8": "warn"}),
    ],
)
def test_values_that_overflow_are_findings_and_the_check_goes_on(home, tmp_path, names, factor, exit_code, overflows):
    folder = checkpoints.make(tmp_path / "overflow")
    file = folder / "model.safetensors"
    weights = load_file(file)
    for name in names:
        weights[f"model.layers.0.{name}.weight"] *= np.float32(factor)
    save_file(weights, file, metadata={"format": "pt"})
    code, findings = report(home, folder)
    assert code == exit_code and "fits" in findings, "the last part is reached"
    told = {name: found["verdict"] for name, found in findings.items() if "NaN or Inf" in found.get("evidence", "")}
    assert told == overflows


def test_what_cannot_be_loaded_is_exit_code_two(home, tmp_path):
    folder = tmp_path / "broken"
    checkpoints.cut(checkpoints.make(folder) / "model.safetensors", 5000)
    code, stdout, _ = run(home, str(folder))
    assert code == 2 and stdout.splitlines()[0].startswith("fail  loadable")
    assert stdout.splitlines()[-1].startswith(f"{folder}: unloadable")


def test_a_speech_model_is_told_from_a_broken_one(home):
    code, stdout, _ = run(home, str(paths.bundled_model("tiny-whisper")))
    assert code == 2 and "tiny-whisper is a speech model of CTranslate2" in stdout.splitlines()[0]
    assert "playground transcribe --model" in stdout.splitlines()[1] and "again" not in stdout


def test_distinct_runs_of_tokens():
    assert distinct([1] * 20) == pytest.approx(1 / 17)
    assert distinct(list(range(20))) == 1.0 and distinct([1, 2]) == 1.0
