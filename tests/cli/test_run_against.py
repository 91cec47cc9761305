"""`run --against ENGINE`: one table of two engines, and what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from playground.config import VLLM_PYTHON
from tests.cli.conftest import Playground

LINES = ({"prompt": "def add(a, b):", "max_tokens": 6}, {"prompt": "The sun", "max_tokens": 4})


def test_both_engines_stand_in_one_table(playground: Playground, prompts: Callable[..., str]):
    words = ("run", "--prompts", prompts(*LINES), "--ignore-eos", "--arrivals", "poisson:50", "--no-history")
    result = playground(*words, "--set", "dtype=float32", "--against", "scripted")
    assert result.code == 0, result.stderr
    titles, ours, theirs, _, said = result.stdout.splitlines()
    assert titles.split()[:2] == ["TTFT", "p50"]
    assert ours.startswith("transformers") and theirs.startswith("scripted")
    assert ours.count("tok/s") == theirs.count("tok/s") == 1
    assert said.startswith("scripted is ") and said.endswith("; the same tokens in 0 of 2 requests; both in float32")


def test_the_second_engine_gets_the_dtype_that_the_first_computes_in(
    playground: Playground, prompts: Callable[..., str]
):
    words = ("run", "--prompts", prompts(*LINES), "--no-history", "--json", "--against", "scripted")
    result = playground(*words, "--set", "dtype=auto")
    assert result.code == 0, result.stderr
    ours, theirs = (side["summary"] for side in json.loads(result.stdout.splitlines()[-1])["sides"])
    assert ours["options"]["dtype"] == "auto" and ours["effective"]["dtype"] != "auto"
    assert theirs["options"]["dtype"] == theirs["effective"]["dtype"] == ours["effective"]["dtype"]


def test_where_one_engine_fails_there_is_nothing_to_compare(playground: Playground):
    result = playground("run", "--engine", "scripted", "--prompt", "x", "--against", "transformers", "--no-history")
    assert (result.code, result.stdout) == (1, "")
    assert "transformers did not serve every request" in result.stderr


def test_without_vllm_nothing_is_run_for_it(playground: Playground, home: dict[str, str]):
    home[VLLM_PYTHON] = "no-such-python"
    result = playground("run", "--prompt", "x", "--against", "vllm", "--json", "--no-history")
    assert (result.code, result.stdout) == (1, "") and len(result.stderr.splitlines()) == 1
    assert "which no-such-python lacks" in result.stderr and "python3 -m venv" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "transformers"), "is the engine itself"),
        (("--against", "openai", "--url", "http://localhost:1/v1"), "invalid choice: 'openai'"),
        (("--against", "scripted", "--engine", "openai", "--url", "http://localhost:1/v1"), "a server has its own"),
        (("--against", "scripted", "--at", "3:kv_cache=int8"), "--at goes with one engine"),
        (("--against", "scripted", "--record", "x.jsonl"), "record the Batching screen"),
    ],
)
def test_what_cannot_be_compared(playground: Playground, words: tuple[str, ...], said: str):
    result = playground("run", "--prompt", "x", *words)
    assert (result.code, result.stdout) == (2, "") and said in result.stderr
