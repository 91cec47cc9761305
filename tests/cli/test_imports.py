"""The command line starts quickly because it does not load what a worker loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "bitsandbytes", "vllm", "ctranslate2", "sounddevice", "numpy"}
SCREEN = {"textual", "rich"}
CODE = """
import sys
from playground import cli
cli.parse(sys.argv[1:])
print(" ".join({name.partition(".")[0] for name in sys.modules}))
"""


def modules_after_parsing(*words: str) -> set[str]:
    command = [sys.executable, "-c", CODE, *words]
    return set(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split())


@pytest.mark.parametrize(
    "words", [[], ["some/model", "--set", "kv_cache=int8"], ["doctor"], ["replay", "file"], ["serve"]]
)
def test_parsing_loads_nothing_heavy(words):
    assert not modules_after_parsing(*words) & HEAVY


def test_run_loads_no_screen_either():
    loaded = modules_after_parsing("run", "--prompt", "x", "--at", "3:kv_cache=int8", "--temperature", "0.5")
    assert not loaded & (HEAVY | SCREEN)
