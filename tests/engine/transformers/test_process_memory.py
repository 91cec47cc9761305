"""How much the process grows while requests run: what is compiled for one length of the cache is freed again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOKENS, MOST_MIB = 700, 200


@pytest.mark.slow
def test_eager_attention_in_16_bits_does_not_keep_what_was_compiled_for_each_length(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    line = {"prompt": "def add(a, b):", "max_tokens": TOKENS, "ignore_eos": True}
    prompts.write_text(f"{json.dumps(line)}\n" * 2)
    words = ("--prompts", str(prompts), "--set", "attention=eager", "--set", "dtype=bfloat16", "--json")
    run = subprocess.run(
        [sys.executable, "-m", "playground", "run", *words], capture_output=True, text=True, check=True
    )
    events = [json.loads(line) for line in run.stdout.splitlines()]
    process = [event["memory"]["process"] for event in events if event["type"] == "MemoryMeasured"]
    assert (max(process) - process[0]) / 2**20 < MOST_MIB
