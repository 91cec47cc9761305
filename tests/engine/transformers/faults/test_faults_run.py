"""The same faults through `playground run`: an exit code, and one line each on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.engine.transformers import checkpoints

LONGEST_S = 60.0


@pytest.fixture
def run(tmp_path):
    """Run `playground run`; its exit code, its output and the lines of stderr that are not figures."""
    home = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    home |= {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}

    def start(*words):
        command = [sys.executable, "-m", "playground", "run", *words]
        result = subprocess.run(command, env=os.environ | home, capture_output=True, timeout=120, check=False)
        said = [line for line in result.stderr.decode().splitlines() if line.startswith("playground: ")]
        return result.returncode, result.stdout.decode(), said

    return start


def test_a_model_that_is_not_there(run):
    assert run("/nowhere/at/all", "--prompt", "x") == (
        2,
        "",
        ["playground: there is no /nowhere/at/all; check the spelling, or name a hub id such as owner/model"],
    )


def test_a_hub_that_cannot_be_reached(run):
    started = time.monotonic()
    code, stdout, said = run("our/model", "--prompt", "x")
    assert (code, stdout) == (1, "") and time.monotonic() - started < LONGEST_S
    assert said == [
        "playground: our/model is not in the local cache and the hub cannot be reached; connect, or name a local folder"
    ]


def test_bad_prompts_among_good_ones_and_a_switch_that_cannot_be(run, tmp_path):
    folder = checkpoints.make(tmp_path / "model")
    prompts = tmp_path / "prompts.jsonl"
    lines = [
        {"prompt": "def add(a, b):"},
        {"prompt": ""},
        {"prompt": "def add(a, b): return a + b\n" * 37_500},
        {"prompt_token_ids": [4096]},
        {"messages": [{"role": "user", "content": "hello"}]},
    ]
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("--max-tokens", "20", "--ignore-eos", "--at", "5:kv_blocks=9000000", "--json")
    code, stdout, said = run(str(folder), "--prompts", str(prompts), *words)
    requests = json.loads(stdout.splitlines()[-1])["requests"]
    assert code == 1
    assert [request["finish_reason"] for request in requests] == ["length", *["error"] * 4]
    assert len(requests[0]["token_ids"]) == 20
    switch, *refused = said
    assert switch.startswith("playground: 9000000 KV blocks need ") and "would fit" in switch
    assert refused[0] == "playground: r1: the prompt is empty; type something first"
    assert refused[1].endswith("tokens and the model's context is 256; shorten it")
    assert refused[2] == "playground: r3: token id 4096 is not in the vocabulary of 2048"
    assert refused[3] == "playground: r4: this model has no chat template; use base mode"


def test_an_argument_that_is_no_text(run, tmp_path):
    folder = checkpoints.make(tmp_path / "model")
    code, _, said = run(str(folder), "--prompt", b"caf\xe9 \x1b[31m", "--max-tokens", "4")
    assert (code, said) == (0, [])
