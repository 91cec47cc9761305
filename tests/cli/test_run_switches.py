"""`--at`, `--arrivals`, `--chat`, sampling flags and presets reach the engine as they were typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.bench.load.arrivals import Arrivals
from playground.headless.arrivals import delays, parse_arrivals
from playground.headless.prompts import PromptLine
from playground.protocol.commands import ChatMessage, GenerationRequest, LoadModel, SamplingParams, Submit
from playground.session.replay import read_recording


@pytest.fixture
def sent(run, tmp_path):
    """Runs with `--record` and gives the load and the requests that went to the engine."""

    def record(*words: str) -> tuple[LoadModel, list[GenerationRequest]]:
        path = tmp_path / "recording.jsonl"
        assert run(*words, "--record", str(path)).code == 0
        load, submit = [entry.command for entry in read_recording(path) if entry.command is not None]
        assert isinstance(load, LoadModel) and isinstance(submit, Submit)
        return load, submit.requests

    return record


def test_a_switch_is_thrown_before_its_step(run):
    result = run("--prompt", "x", "--at", "3:kv_cache=int8", "--at", "5:attention=eager", "--json")
    first, second = result.events("OptionsApplied")[1:]
    assert (first["changed"], first["step"]) == (["kv_cache"], 3)
    assert (second["changed"], second["step"]) == (["attention"], 5)
    assert result.summary["options"]["kv_cache"] == "int8" and result.summary["effective"]["attention"] == "eager"
    assert result.code == 0 and result.stderr == ""


def test_each_switch_is_a_line_with_what_the_engine_made_of_it(playground):
    words = ("--ignore-eos", "--max-tokens", "24", "--at", "8:kv_cache=int8", "--at", "16:attention=eager")
    result = playground("run", "--prompt", "def add(a, b):", *words, "--no-history")
    first, second = [line for line in result.stderr.splitlines() if line.startswith("playground: step ")]
    assert first.startswith("playground: step 8: kv_cache model ▸ int8 (cache, ") and first.endswith(" ms)")
    assert second.startswith("playground: step 16: attention ") and " ▸ eager (instant, " in second


def test_a_switch_that_never_comes_is_said(run):
    result = run("--prompt", "x", "--max-tokens", "2", "--at", "2:kv_cache=int8", "--json")
    assert result.stderr == "playground: --at 2:kv_cache=int8 never came: the last step was 1\n"
    assert result.summary["options"]["kv_cache"] == "model"


def test_a_switch_that_cannot_be_fails_the_run_after_its_answer(run):
    result = run("--prompt", "x", "--at", "2:weights=int8", "--json")
    assert result.code == 1
    assert result.summary["requests"][0]["finish_reason"] == "stop"
    assert "weights cannot change" in result.stderr and len(result.stderr.splitlines()) == 1


def test_poisson_arrivals_repeat_with_the_seed():
    lines = [PromptLine(prompt="x")] * 200
    first = delays(Arrivals("poisson", 4.0), lines, seed=1)
    assert first == delays(Arrivals("poisson", 4.0), lines, seed=1) != delays(Arrivals("poisson", 4.0), lines, seed=2)
    assert first[0] == 0.0 and first == sorted(first)
    assert first[-1] / 199 == pytest.approx(1 / 4, rel=0.25)


def test_bursts_arrive_as_in_a_measured_load():
    assert delays(parse_arrivals("burst:2"), [PromptLine(prompt="x")] * 5, seed=0) == [0.0, 0.0, 1.0, 1.0, 2.0]


def test_poisson_delays_reach_the_engine(sent, prompts):
    words = ("--prompts", prompts(*[{"prompt": "x", "max_tokens": 1}] * 4), "--arrivals", "poisson:50", "--seed", "7")
    first, second = (sent(*words)[1] for _ in range(2))
    assert first == second
    wanted = delays(parse_arrivals("poisson:50"), [PromptLine()] * 4, seed=7)
    assert [request.delay_s for request in first] == wanted


def test_recorded_arrivals_come_from_the_file(sent, prompts):
    file = prompts({"prompt": "a", "arrival_s": 0.1}, {"prompt": "b", "arrival_s": 0.05})
    _, requests = sent("--prompts", file, "--arrivals", "recorded")
    assert [request.delay_s for request in requests] == [0.1, 0.05]


def test_a_line_wins_over_the_flags(sent, prompts):
    file = prompts({"prompt": "a"}, {"prompt": "b", "max_tokens": 2, "temperature": 0.0, "ignore_eos": False})
    words = (
        "--max-tokens",
        "9",
        "--temperature",
        "0.5",
        "--ignore-eos",
        "--stop",
        "zz",
        "--stop",
        "qq",
        "--top-k",
        "5",
    )
    plain, own = (request.sampling for request in sent("--prompts", file, *words)[1])
    assert plain == SamplingParams(max_tokens=9, temperature=0.5, top_k=5, stop=["zz", "qq"], ignore_eos=True)
    assert own == SamplingParams(max_tokens=2, top_k=5, stop=["zz", "qq"])


def test_chat_makes_a_message_of_the_prompt(sent):
    _, (request,) = sent("--prompt", "hi there", "--chat")
    assert request.prompt is None and request.messages == [ChatMessage(role="user", content="hi there")]


def test_flags_win_over_the_preset(sent, home):
    presets = Path(home["XDG_CONFIG_HOME"]) / "playground" / "presets"
    presets.mkdir(parents=True)
    tables = '[options]\nmax_batch = 2\nkv_cache = "int8"\n[sampling]\nmax_tokens = 5\nseed = 3\n'
    (presets / "mine.toml").write_text(f'title = "T"\nsummary = "S"\n{tables}')
    load, (request,) = sent("--prompt", "x", "--preset", "mine", "--set", "max_batch=4", "--seed", "9")
    assert (load.options.max_batch, load.options.kv_cache) == (4, "int8")
    assert request.sampling == SamplingParams(max_tokens=5, seed=9)


def test_remote_code_and_pickle_are_asked_for_each_time(sent):
    plain, _ = sent("--prompt", "x")
    asked, _ = sent("--prompt", "x", "--trust-remote-code", "--allow-pickle")
    assert not plain.trust_remote_code and not plain.allow_pickle
    assert asked.trust_remote_code and asked.allow_pickle


def test_rebuild_makes_a_coarse_cache_true_again(playground):
    at = ("--at", "40:kv_cache=int2", "--at", "44:kv_cache=model", "--at", "48:rebuild")
    words = ("--prompt", "def add(a, b):", "--ignore-eos", "--max-tokens", "64", "--set", "dtype=float32", *at)
    result = playground("run", *words, "--json")
    told = [event["effective"]["kv_cache"] for event in result.events("OptionsApplied")]
    assert result.code == 0 and result.stderr == ""
    assert told[-3:] == ["int2", "model (from int2)", "model"]
