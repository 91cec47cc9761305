"""What is typed wrong: exit code 2, and one line that says what would do."""

from __future__ import annotations

import pytest

WRONG = {
    "run": "--prompt --prompts is required",
    "run --prompt x --prompts y": "not allowed with",
    "run --prompt x --engine nope": "invalid choice: 'nope'",
    "run --prompt x --engine vllm --tensor-parallel 0": "a number of GPUs from 1",
    "run --prompt x --url http://localhost": "--engine openai",
    "run --prompt x --engine openai --url http://u:sk@localhost/v1": "would stand in recordings; use OPENAI_API_KEY",
    "run --prompt x --tensor-parallel 2": "--engine vllm",
    "run --prompt x --set kv_cache=int9": "it takes model, fp8, int8, int4, int2",
    "run --prompt x --set nope=1": "no toggle is called 'nope'",
    "run --prompt x --set kv_cache": "TOGGLE=VALUE",
    "run --prompt x --at 3": "STEP:TOGGLE=VALUE",
    "run --prompt x --at=-1:kv_cache=int8": "STEP:TOGGLE=VALUE",
    "run --prompt x --at 3:kv_cache=int9": "it takes model",
    "run --prompt x --arrivals poisson": "poisson:RATE",
    "run --prompt x --arrivals poisson:nan": "poisson:RATE",
    "run --prompt x --arrivals poisson:-1": "poisson:RATE",
    "run --prompt x --arrivals recorded": "arrival_s",
    "run --prompt x --max-tokens 0": "a whole number from 1",
    "run --prompt x --temperature nan": "a number from 0",
    "run --prompt x --top-p 1.5": "a number above 0 to 1",
    "run --prompt x --seed -1": "a whole number from 0",
    "run --prompt x --preset nope": "there are: default",
    "run --prompt x --promp y": "unrecognized arguments",
    "run --prompt=": "--prompt is empty",
    "run /no/model --prompt x": "there is no /no/model; check the spelling",
    "run ~/no/model --prompt x": "there is no ~/no/model",
    "check ../no/model": "there is no ../no/model",
    "bench code ./no/model": "there is no ./no/model",
    "bench speech /no/model": "there is no /no/model",
    "bench speech --questions x --llm /no/model": "there is no /no/model",
    "compare --prompt x --a model=/no/model --b kv_cache=int8": "there is no /no/model",
    "/no/model": "there is no /no/model",
    "run --prompts missing.jsonl": "cannot read missing.jsonl",
    "replay": "FILE",
    "replay x --speed -1": "a number from 0",
    "record": "FILE",
    "record x --record y": "leave --record out",
    "record x --set kv_cache=int9": "it takes model",
    "serve --set kv_cache=int9": "it takes model, fp8, int8, int4, int2",
    "serve --engine vllm --tensor-parallel 0": "a number of GPUs from 1",
    "serve --theme nope": "no theme is called 'nope'",
    "serve --preset nope": "there are: default",
    "serve /no/model": "there is no /no/model",
    "serve --record x": "^R records there",
    "serve --port 0": "a port from 1 to 65535",
    "serve --port http": "a port from 1 to 65535",
    "serve --host 0.0.0.0": "unrecognized arguments",
    "--nope": "unrecognized arguments",
    "rnu": "did you mean playground run?",
    "transcibe x.wav --json": "did you mean playground transcribe?",
    "bench load --requests 0": "a whole number from 1",
    "bench load --prompt 0": "a whole number from 1",
    "bench load --shared 101": "a whole number from 0 to 100",
    "bench load --warm-up -1": "a whole number from 0",
    "bench attention --lengths 0": "from 1 to 1048576",
    "bench attention --lengths 1048577": "from 1 to 1048576",
    "bench quality --needles 0": "a whole number from 1",
    "bench code --subset 0": "a whole number from 1",
    "bench code --samples 0": "a whole number from 1",
    "bench speech --beam 0": "a whole number from 1 to 100",
    "transcribe x.wav --beam -1": "a whole number from 1 to 100",
    "compare --prompt x --a kv_cache=model --b kv_cache=int8 --runs 0": "a whole number from 1",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_words_are_explained_in_one_line(playground, words):
    result = playground(*words.split())
    assert result.code == 2
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1
    assert WRONG[words] in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "run --prompts",
        "replay",
        "replay --headless",
        "transcribe",
        "transcribe --clean",
        "check",
        "bench code --tasks",
        "bench code --solutions",
        "bench quality --text",
        "bench tokenizer --text",
        "bench speech --manifest",
        "bench speech --questions",
        "bench load",
        "serve",
    ],
)
def test_what_the_command_line_names_and_is_not_there_is_a_wrong_usage(parsed, words):
    result = parsed(*words.split(), "/no/such.jsonl")
    assert result.code == 2 and len(result.stderr.splitlines()) == 1 and result.stdout == ""


LINES = {
    '{"prompt": "x"': "truncated",
    '{"prompt": "x", "max_token": 3}': "max_token",
    '{"prompt": "x", "max_tokens": 0}': "max_tokens",
    '{"prompt": "x", "max_tokens": "3"}': "max_tokens",
    '{"prompt": "x", "temperature": -1}': "temperature",
    '{"prompt": "x", "arrival_s": -1}': "arrival_s",
    '{"prompt": "x", "prompt_token_ids": [1]}': "prompt and prompt_token_ids",
    '{"max_tokens": 3}': "none of them",
    '{"prompt_token_ids": []}': "prompt_token_ids",
    '{"prompt_token_ids": [-1]}': "prompt_token_ids",
    '{"messages": [{"role": "robot", "content": "x"}]}': "robot",
    '{"messages": [{"role": "user", "content": "x", "name": "y"}]}': "name",
    "[1]": "object",
    '{"prompt": "\\ud800"}': "",
}


@pytest.mark.parametrize("line", LINES)
def test_a_wrong_prompt_line_is_named_by_file_and_line(run, prompts, line):
    file = prompts({"prompt": "fine"}, "", line)
    result = run("--prompts", file)
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1
    assert f"{file}:3: " in result.stderr and LINES[line] in result.stderr


def test_a_file_without_prompts_says_what_a_line_is(run, prompts):
    result = run("--prompts", prompts("", " "))
    assert result.code == 2 and "holds no prompts" in result.stderr


def test_help_and_version_are_no_errors(playground):
    assert playground("--version").stdout == "playground 0.1.0\n"
    for words in ("--help", "run --help", "replay --help", "doctor --help"):
        result = playground(*words.split())
        assert result.code == 0 and result.stderr == ""
    assert "playground doctor" in playground("--help").stdout


def test_debug_may_stand_before_the_command(playground):
    words = ("run", "--engine", "scripted", "no.jsonl", "--prompt", "x")
    assert playground("--debug", *words).code == playground(*words, "--debug").code == 1


def test_a_traceback_is_shown_under_debug_alone(playground, tmp_path):
    (tmp_path / "no.jsonl").write_text("no recording")
    plain = playground("replay", "--headless", str(tmp_path / "no.jsonl"))
    debug = playground("replay", "--headless", str(tmp_path / "no.jsonl"), "--debug")
    assert plain.code == debug.code == 1
    assert len(plain.stderr.splitlines()) == 1 and "no.jsonl" in plain.stderr
    assert "Traceback" in debug.stderr
