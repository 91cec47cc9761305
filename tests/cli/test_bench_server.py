"""Suites and comparisons on a server, whose prefix cache and toggles are not ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.session.history.database import Database
from playground.session.history.query import parse_filter
from tests.cli.conftest import Playground
from tests.engine.openai_server.loopback import DONE, Handler, Loopback, loopback, text, usage

NOT_EMPTIED = "the server's prefix cache was not emptied"


def serve(handler: Handler) -> None:
    """Two tokens for each completion, ids for each text."""
    if handler.path == "/tokenize":
        handler.json({"tokens": [*handler.server.seen[-1][3]["prompt"].encode()]})
    elif handler.path == "/v1/completions":
        handler.events([text(" a", token_ids=[1]), text(" b", "length", token_ids=[2]), usage(7, 2), DONE], 0.01)
    else:
        handler.json({}, 404)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server that lists two models, as vLLM does."""
    with loopback() as server:
        server.models = {"data": [{"id": name, "owned_by": "vllm"} for name in ("one", "two")]}
        server.answer = serve
        yield server


@pytest.fixture
def target(server: Loopback) -> tuple[str, ...]:
    """The words that name it."""
    return ("one", "--engine", "openai", "--url", server.url, "--no-history")


def test_a_load_on_a_server_tells_that_its_prefix_cache_was_kept(
    playground: Playground, target: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "load.json"
    words = ("--load", "closed:1", "--requests", "2", "--json", str(file))
    result = playground("bench", "load", *target, *words)
    assert result.code == 0 and NOT_EMPTIED in result.stderr, result.stderr
    written = json.loads(file.read_text())
    assert written["trust"]["notes"] == [NOT_EMPTIED] and written["items"][0]["output_tokens"] == 4
    assert written["totals"]["prefix_cache"] == "kept by the server, other prompts at each"


def test_a_tokenizer_of_a_server_is_measured(playground: Playground, target: tuple[str, ...]) -> None:
    result = playground("bench", "tokenizer", *target)
    assert result.code == 0 and NOT_EMPTIED in result.stderr, result.stderr
    assert "tok/s, measured on this model's own answers" in result.stdout


def test_two_models_of_a_server_are_compared(playground: Playground, target: tuple[str, ...]) -> None:
    words = ("--prompt", "hi", "--runs", "2", "--a", "model=one", "--b", "model=two", "--json")
    result = playground("compare", *target, *words)
    assert result.code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["trust"]["notes"] == [NOT_EMPTIED]
    assert report["totals"]["weights_bytes"]["a"] is None, "unknown is not nothing"
    assert "the same text" in report["totals"]["verdict"] and report["totals"]["unit"] == "token"


def test_answers_without_token_ids_are_compared_by_their_characters(
    playground: Playground, server: Loopback, target: tuple[str, ...]
) -> None:
    server.answer = lambda handler: handler.events(
        [text(f"same {handler.server.seen[-1][3]['model']}", "stop"), usage(7, 2), DONE]
    )
    words = ("--prompt", "hi", "--runs", "1", "--a", "model=one", "--b", "model=two")
    result = playground("compare", *target, *words)
    assert result.code == 0, result.stderr
    assert "first difference at character 6" in result.stdout
    assert "diverges at character 6" in result.stdout.splitlines()[-1]


def test_tasks_that_a_server_does_not_answer_are_told_with_its_reason(
    playground: Playground, server: Loopback, target: tuple[str, ...]
) -> None:
    server.answer = lambda handler: handler.json({"error": {"message": "no room"}}, 400)
    result = playground("bench", "code", *target, "--subset", "2")
    *reasons, last = result.stderr.splitlines()
    assert (result.code, last) == (1, "playground: nothing was measured")
    assert any(f"{server.host} answered 400: no room" in reason for reason in reasons)


def test_an_engine_here_is_compared_with_a_server(playground: Playground, server: Loopback) -> None:
    server.models = {"data": [{"id": "one"}]}
    words = ("--prompt", "hi", "--runs", "1", "--max-tokens", "4", "--no-history", "--url", server.url)
    for sides in (("scripted", "openai"), ("openai", "scripted")):
        a, b = (f"engine={engine}" for engine in sides)
        target = ("--engine", sides[0])
        result = playground("compare", *words, *target, "--a", a, "--b", b)
        assert result.code == 0, result.stderr
        assert f"A  {a}" in result.stdout and result.stdout.splitlines()[-1].startswith(f"{sides[1]}: ")


def test_a_side_on_a_server_is_kept_with_the_name_of_its_model(
    playground: Playground, server: Loopback, home: dict[str, str]
) -> None:
    server.models = {"data": [{"id": "one"}]}
    words = (
        "--prompt",
        "hi",
        "--runs",
        "1",
        "--max-tokens",
        "4",
        "--url",
        server.url,
        "--engine",
        "scripted",
        "--json",
    )
    result = playground("compare", *words, "--a", "max_batch=8", "--b", "engine=openai")
    assert result.code == 0, result.stderr
    assert json.loads(result.stdout)["totals"]["b"]["model"] == "one"
    database = Database(Path(home["XDG_DATA_HOME"]) / "playground" / "history.db")
    (run,) = database.read_whole(database.find(parse_filter("engine:openai")))
    database.close()
    assert (run.model, run.model_path) == ("one", server.url)


def test_a_side_on_a_server_needs_its_address(parsed: Playground) -> None:
    result = parsed("compare", "--prompt", "hi", "--a", "engine=scripted", "--b", "engine=openai")
    assert (result.code, result.stdout) == (2, "")
    assert "engine=openai needs the server; --url http://host:port/v1" in result.stderr


def test_a_load_runs_on_a_server_that_knows_no_more_than_openais_api(
    playground: Playground, server: Loopback, tmp_path: Path
) -> None:
    server.models, file = {"data": [{"id": "one"}]}, tmp_path / "load.json"
    words = ("--load", "closed:1", "--requests", "2", "--no-history", "--json", str(file))
    result = playground("bench", "load", "--engine", "openai", "--url", server.url, *words)
    assert result.code == 0, result.stderr
    assert {"max_tokens", "ignore_eos"} & {*server.bodies("/v1/completions")[0]} == {"max_tokens"}
    said = "answers may end before their lengths: this server takes no ignore_eos"
    assert json.loads(file.read_text())["trust"]["notes"] == [said, NOT_EMPTIED]


def test_gaps_of_chunks_are_not_those_of_tokens(
    playground: Playground, server: Loopback, target: tuple[str, ...], tmp_path: Path
) -> None:
    server.answer = lambda handler: handler.events([text("a b c"), text("d e f", "length"), usage(7, 6), DONE], 0.1)
    file = tmp_path / "load.json"
    result = playground("bench", "load", *target, "--load", "closed:1", "--requests", "2", "--json", str(file))
    assert result.code == 0, result.stderr
    (level,) = json.loads(file.read_text())["items"]
    assert level["output_tokens"] == 12 and level["tpot"]["p50"] > 0 and level["itl"]["p50"] is None
