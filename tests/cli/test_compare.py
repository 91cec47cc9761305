"""`playground compare`: both texts, a table with noise, and a verdict; or all of it as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.bench.report import Report
from playground.protocol.events import ModelLoaded
from playground.session.fold import Fold
from playground.session.history.database import Database
from playground.session.history.query import parse_filter
from playground.session.replay import read_recording
from tests.cli.conftest import Playground

PROMPT = 'def is_even(number: int) -> bool:\n    """Return True if number is even, else False."""\n'
COMPARE = ("compare", "--set", "dtype=float32", "--prompt", PROMPT, "--max-tokens", "40", "--runs", "2")


def test_two_bits_against_the_models_own(playground: Playground):
    result = playground(*COMPARE, "--a", "kv_cache=model", "--b", "kv_cache=int2")
    assert result.code == 0, result.stderr
    assert "A  kv_cache=model" in result.stdout and "B  kv_cache=int2" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("int2 KV: ") and "x less cache" in result.stdout
    assert "KL/token" in result.stdout and "A/A 0.000" in result.stdout


def test_a_text_shorter_than_a_block_says_that_nothing_was_quantized(playground: Playground):
    words = ("compare", "--prompt", "def add(a, b):", "--max-tokens", "8", "--runs", "1", "--no-history")
    result = playground(*words, "--a", "kv_cache=model", "--b", "kv_cache=int4")
    assert result.code == 0, result.stderr
    assert "int4 KV: nothing was quantized: no block of 32 tokens was full" in result.stdout
    assert "within noise" not in result.stdout.splitlines()[-1]


def test_as_json(playground: Playground):
    result = playground(*COMPARE, "--a", "attention=eager", "--b", "attention=sdpa-flash", "--json")
    assert result.code == 0, result.stderr
    import msgspec

    report = msgspec.json.decode(result.stdout.encode(), type=Report)
    totals = json.loads(result.stdout)["totals"]
    assert report.suite == "compare" and [item["side"] for item in report.items] == list("ABBA")
    assert totals["first_difference"] is None and totals["a"]["text"] == totals["b"]["text"] != ""
    assert totals["kl_mean"] < 1e-4 and totals["a_repeats_itself"]
    assert totals["effective"]["A"]["attention"] == "eager"
    assert totals["verdict"].startswith("sdpa-flash attention: ") and "the same text" in totals["verdict"]


def test_engines_without_logits_say_so(playground: Playground):
    words = ("compare", "--engine", "scripted", "--prompt", "hi", "--runs", "2", "--max-tokens", "4")
    result = playground(*words, "--a", "batching=continuous", "--b", "batching=static")
    assert result.code == 0, result.stderr
    assert "no KL (the scripted engine has no tokenizer)" in result.stdout


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("kv_cache=model", "kv_cache=model", "come to the same"),
        ("kv_cache=best", "kv_cache=int4", "kv_cache cannot be 'best'"),
        ("engine=fast", "kv_cache=int4", "engine cannot be 'fast'"),
    ],
)
def test_usage(parsed: Playground, a: str, b: str, said: str):
    result = parsed("compare", "--prompt", "x", "--a", a, "--b", b)
    assert (result.code, result.stdout) == (2, "") and said in result.stderr


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere/else/x", "there is no folder nowhere/else/x"),
        ("empty", "empty has no config.json"),
        ("torn", "cannot be"),
    ],
)
def test_a_model_that_cannot_be_there_is_told_before_anything_is_loaded(
    parsed: Playground, tmp_path: Path, engine: str, model: str, said: str
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "config.json").write_text("{")
    name = model if "nowhere" in model else str(tmp_path / model)
    result = parsed("compare", "--prompt", "x", "--a", "kv_cache=model", "--b", f"engine={engine},model={name}")
    assert (result.code, result.stdout) == (1, "") and said in result.stderr
    assert result.stderr.startswith("playground: --b: ") and len(result.stderr.splitlines()) == 1


def test_a_side_that_does_not_load_is_named(playground: Playground, tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')  # and no weights
    result = playground("compare", "--prompt", "x", "--a", "kv_cache=model", "--b", f"model={tmp_path}")
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("playground: B: ") and len(result.stderr.splitlines()) == 1


def test_two_models_that_share_a_tokenizer(playground: Playground, tmp_path, home):
    """A copy of the bundled model is the same model: another worker, the same text, no divergence."""
    import shutil

    from playground import paths

    copy = shutil.copytree(paths.bundled_model(), tmp_path / "copy")
    recording = tmp_path / "run.jsonl"
    words = ("--a", "max_batch=8", "--b", f"model={copy}", "--json", "--record", str(recording))
    result = playground(*COMPARE, *words)
    assert result.code == 0, result.stderr
    fold, loads = Fold(), set[str]()
    for entry in read_recording(recording):
        fold.add(entry)
        loads |= {Path(entry.event.facts.path).name} if isinstance(entry.event, ModelLoaded) else set()
    assert loads == {"copy", "tiny-coder"}, "the recording holds both workers"
    assert {f"compare-{side}-{at}" for side, at in ("A0", "B1", "B2", "A3")} <= {*fold.requests} and fold.ended
    totals = json.loads(result.stdout)["totals"]
    assert totals["verdict"].startswith("copy: ") and totals["first_difference"] is None
    assert totals["kl_mean"] == 0 and totals["kl_reason"] == ""
    database = Database(Path(home["XDG_DATA_HOME"]) / "playground" / "history.db")
    runs = database.read_whole(database.find(parse_filter("kind:compare")))
    database.close()
    assert sorted(run.model for run in runs) == ["copy", "tiny-coder"] and [run.requests for run in runs] == [2, 2]
    assert {run.measure for run in runs} == {"", "KL"} and all(run.tps and run.kv_bytes for run in runs)
    assert len({run.prompt_tokens for run in runs}) == 1 and runs[0].prompt_tokens > 0
