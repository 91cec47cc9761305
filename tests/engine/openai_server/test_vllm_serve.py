"""The openai engine against a real vLLM server on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from playground import paths
from playground.engine.backends.openai_server.prometheus import measured, read_page
from playground.engine.backends.openai_server.server import server_of
from playground.preset import Preset
from playground.protocol.commands import Abort, ChatMessage, GenerationRequest, SamplingParams, Submit, Tokenize
from playground.protocol.events import (
    ModelLoaded,
    OptionsApplied,
    StepsExecuted,
    Tokenized,
    TokensGenerated,
)
from playground.protocol.server import ServerMeasured
from playground.text.numbers import percent
from playground.tui.app import PlaygroundApp
from tests.engine.openai_server.conftest import KEY, ServerWorker
from tests.engine.openai_server.serve import NAME, SLOTS, vllm_serve
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.faults.live_worker import request
from tests.tui.cells import shown
from tests.tui.conftest import Wait, own_folders, until  # noqa: F401

pytestmark = pytest.mark.slow
PYTHON = os.environ.get("PLAYGROUND_VLLM_PYTHON", "")
PROMPTS = ["def add(a, b):", "def biggest(values):\n", "def shout(text):\n    "]


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests: its start takes long."""
    if not PYTHON:
        pytest.skip("PLAYGROUND_VLLM_PYTHON names no interpreter with vLLM")
    drafts = {"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 4, "prompt_lookup_min": 2}
    with vllm_serve(PYTHON, tmp_path_factory.mktemp("serve"), "--speculative-config", json.dumps(drafts)) as url:
        yield url


@pytest.fixture
def vllm(worker: ServerWorker, url: str) -> ServerWorker:
    """A worker that is connected to it."""
    worker.timeout_s = 60.0
    worker.connect(url)
    return worker


def ids(worker: ServerWorker, request_id: str) -> list[int]:
    return [token_id for piece in worker.pieces(request_id) for token_id in piece.token_ids]


def test_greedy_tokens_are_those_of_the_transformers_engine(vllm):
    requests = [request(f"same{index}", prompt, max_tokens=32) for index, prompt in enumerate(PROMPTS)]
    expected = Driven(paths.bundled_model()).run(requests)
    ends = vllm.finish(*requests)
    assert [ids(vllm, each.request_id) for each in requests] == expected
    assert [(end.reason, end.metrics.output_tokens, end.metrics.chunks) for end in ends] == [("length", 32, 0)] * 3
    assert all(0 < end.metrics.ttft_s < end.metrics.e2e_s and end.metrics.tpot_s > 0 for end in ends)


def test_token_ids_go_in_as_they_are(vllm):
    vllm.send(Tokenize(key="t", texts=PROMPTS[:1]))
    (prompt,) = vllm.wait(Tokenized).token_ids
    asked = [request("text", PROMPTS[0]), request("ids", prompt)]
    ends = vllm.finish(*asked)
    assert ids(vllm, "ids") == ids(vllm, "text")
    assert [end.metrics.prompt_tokens for end in ends] == [len(prompt)] * 2


def test_a_chat_is_answered(vllm):
    message = ChatMessage(role="user", content="write a function that adds two numbers")
    sampling = SamplingParams(max_tokens=48)
    asked = GenerationRequest(request_id="chat", messages=[message], sampling=sampling)
    (expected,) = Driven(paths.bundled_model()).run([asked])
    (end,) = vllm.finish(asked)
    assert ids(vllm, "chat") == expected
    assert end.metrics.output_tokens == len(expected)
    assert "def " in vllm.text("chat")


def test_what_the_server_tells_is_told(vllm):
    since = len(vllm.events)
    # For seconds on a fast machine too: it is asked once a second.
    vllm.finish(*(request(f"told{index}", prompt, max_tokens=1200) for index, prompt in enumerate(PROMPTS)))
    vllm.wait(ServerMeasured, when=lambda told: told.running == 0)
    told = [event for event in vllm.events[since:] if isinstance(event, ServerMeasured)]
    assert any(each.running and each.kv_usage for each in told)
    effective = vllm.of(OptionsApplied)[-1].effective
    assert (effective["block_size"], effective["prefix_cache"]) == ("32", "on")
    assert "network included" in effective["clock"]
    assert vllm.of(ModelLoaded)[-1].facts.context == 2048
    steps = [step for event in vllm.events[since:] if isinstance(event, StepsExecuted) for step in event.steps]
    assert all(step.observed for step in steps)
    assert {work.request_id for step in steps for work in step.slots} - {None} == {"told0", "told1", "told2"}
    assert any(step.blocks_used for step in steps)


async def test_the_screen_shows_what_the_server_tells_of_all_its_clients(url: str, until: Wait) -> None:  # noqa: F811
    long = Preset(title="", summary="", sampling=SamplingParams(max_tokens=1800, ignore_eos=True), prompts=[])
    app = PlaygroundApp(engine="openai", model="", url=url, preset=long)
    state = app.bridge.state

    def line() -> str:
        return " ".join(shown(app).split())

    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "server runs 0 + 0 waiting" in line() and "occupancy" not in line(), seconds=60)
        prompt = "write a function that adds two numbers " * 8  # more than a block
        first = state.requests[app.session.submit(prompt)]
        await until(pilot, lambda: first.tokens, seconds=60)
        for _ in range(SLOTS + 1):
            app.session.submit(prompt)
        # One of the two until the first has ended, which on a fast machine may be before the server is asked again.
        await until(pilot, lambda: re.search(rf"server runs {SLOTS} \+ [12] waiting", line()), seconds=60)
        assert state.server and state.server.kv_usage and f" KV {percent(state.server.kv_usage)} " in line()
        await until(pilot, lambda: state.server and state.server.acceptance is not None, seconds=60)
        app.session.stop_all()
        await until(pilot, lambda: "server runs 0 + 0 waiting" in line(), seconds=60)
        with urlopen(f"{url.removesuffix('/v1')}/metrics") as page:
            told = measured(server_of("vllm"), read_page(page.read().decode()), 0.0)
        assert told.prefix_hits and told.acceptance is not None
        assert f" prefix hits {percent(told.prefix_hits)} accepted {percent(told.acceptance)} " in line()


def test_a_stop_ends_it_in_the_server_too(vllm):
    vllm.send(Submit(requests=[request("long", PROMPTS[0], max_tokens=1900)]))
    vllm.wait(TokensGenerated)
    began = time.monotonic()
    vllm.send(Abort())
    end = vllm.wait_end("long")
    assert (end.reason, time.monotonic() - began < 1.0) == ("abort", True)
    assert end.metrics.output_tokens < 1900
    vllm.wait(ServerMeasured, when=lambda told: told.running == 0)


def test_a_prompt_that_is_too_long_is_refused_in_the_servers_words(vllm):
    (end,) = vllm.finish(request("far", list(range(1, 1025)) * 3))
    assert end.reason == "error"
    assert "answered 400" in end.message and "2048" in end.message


def test_the_command_line_runs_it_and_no_recording_holds_the_key(url, tmp_path):
    recording = tmp_path / "run.jsonl"
    command = [sys.executable, "-m", "playground", "run", "--engine", "openai", "--url", url, "--json"]
    command += ["--prompt", PROMPTS[0], "--max-tokens", "8", "--ignore-eos", "--record", str(recording)]
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | homes | {"OPENAI_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    (answer,) = summary["requests"]
    assert (answer["output_tokens"], len(answer["token_ids"]), answer["finish_reason"]) == (8, 8, "length")
    assert summary["totals"]["occupancy"] is None and summary["totals"]["steps"] == 0
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert url in kept and NAME in kept
    assert KEY not in kept + done.stdout + done.stderr


@pytest.mark.parametrize("suite", ["load", "code", "tokenizer"])
def test_suites_run_on_it(url, tmp_path, suite):
    words = {"load": ["--load", "closed:2", "--requests", "4"], "code": ["--subset", "3"], "tokenizer": []}[suite]
    file = tmp_path / "report.json"
    command = [sys.executable, "-m", "playground", "bench", suite, "--engine", "openai", "--url", url, *words]
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    done = subprocess.run([*command, "--json", str(file)], capture_output=True, text=True, env=os.environ | homes)
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert report["speed"]["output_tokens"] and report["speed"]["tps"], report["speed"]
    assert ("the server's prefix cache was not emptied" in report["trust"]["notes"]) == (suite != "code")


def test_stops_beyond_those_that_it_takes_end_an_answer(vllm):
    stops = [f"never {number}" for number in range(6)] + ["return"]
    (end,) = vllm.finish(request("stops", PROMPTS[0], max_tokens=64, stop=stops))
    assert (end.reason, end.message) == ("stop", "") and "return" not in vllm.text("stops")
    assert end.metrics.output_tokens == len(ids(vllm, "stops")) > 0
