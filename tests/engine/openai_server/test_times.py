"""TTFT, TPOT, ITL and throughput against a server that notes when it sent what, and against vLLM's own benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from playground.engine.backends.openai_server.answer import DONE as LAST
from playground.engine.backends.openai_server.answer import read_piece
from playground.engine.backends.openai_server.event_stream import EventStream
from playground.engine.backends.openai_server.requests import StreamedRequest
from playground.protocol.percentiles import percentiles
from playground.protocol.timing import RequestTimer
from tests.engine.openai_server.loopback import DONE, Handler, Loopback, text, usage
from tests.engine.vllm.conftest import PYTHON

# vLLM's file alone, without vLLM, whose import takes seconds; its clock and its connection are the script's.
BENCH = """
import asyncio, contextlib, importlib.util, json, sys
from pathlib import Path
from types import SimpleNamespace

folder = Path(importlib.util.find_spec("vllm").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("bench", folder / "benchmarks/lib/endpoint_request_func.py")
bench = sys.modules["bench"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)
now, parts = 100.0, json.load(sys.stdin)

async def iter_any():
    global now
    for now, part in parts:
        yield part.encode()

@contextlib.asynccontextmanager
async def post(**words):
    yield SimpleNamespace(status=200, content=SimpleNamespace(iter_any=iter_any))

bench.time = SimpleNamespace(perf_counter=lambda: now)
asked = bench.RequestFuncInput("x", "http://x/v1/completions", prompt_len=7, output_len=6, model="m")
found = asyncio.run(bench.async_request_openai_completions(asked, SimpleNamespace(post=post)))
print(json.dumps({name: getattr(found, name) for name in ("error", "ttft", "itl", "latency", "output_tokens")}))
"""


def chunk(*ids: int, reason: str | None = None) -> bytes:
    """A chunk as vLLM sends it."""
    return text("x" * len(ids), reason, token_ids=list(ids))


class Script:
    """Answers prompts in chunks of a given number of tokens, each when it is released, and notes when it was sent."""

    def __init__(self, chunks: dict[str, list[int]]) -> None:
        self._chunks, self._gates = chunks, {prompt: threading.Semaphore(0) for prompt in chunks}
        self.asked: dict[str, float] = {}
        self.sent: dict[str, list[float]] = {prompt: [] for prompt in chunks}

    def let_go(self, prompt: str) -> None:
        """Release the next chunk of an answer."""
        self._gates[prompt].release()

    def answer(self, handler: Handler) -> None:
        """See `Loopback.answer`; it has no metrics."""
        if handler.path != "/v1/completions":
            handler.json({}, 404)
            return
        prompt = handler.server.seen[-1][3]["prompt"]
        self.asked[prompt] = perf_counter()
        handler.events(self._parts(prompt))

    def _parts(self, prompt: str) -> Any:
        counts = self._chunks[prompt]
        for index, count in enumerate(counts):
            self._gates[prompt].acquire()
            self.sent[prompt].append(perf_counter())
            yield chunk(*range(count), reason="length" if index == len(counts) - 1 else None)
        yield usage(7, sum(counts)) + DONE


def test_every_number_of_a_run_lies_between_what_was_sent_and_what_was_seen(server: Loopback, tmp_path: Path):
    chunks = {"one": [1, 1, 1], "two": [1, 2, 1, 3]}
    script = Script(chunks)
    server.models, server.answer = {"data": [{"id": "small", "owned_by": "vllm"}]}, script.answer
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": prompt, "max_tokens": 9}) + "\n" for prompt in chunks))
    words = ["run", "--engine", "openai", "--url", server.url, "--prompts", str(file), "--json", "--no-history"]
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    messages: list[dict[str, Any]] = []
    seen: dict[str, list[float]] = {prompt: [] for prompt in chunks}
    command, began = [sys.executable, "-m", "playground", *words], perf_counter()
    with subprocess.Popen(command, env=os.environ | homes, stdout=subprocess.PIPE) as run:
        assert run.stdout
        for prompt in ("two", "one", "two", "two", "one", "one", "two"):
            script.let_go(prompt)  # none before the one before it was seen
            for line in run.stdout:
                messages.append(json.loads(line))
                if messages[-1]["type"] == "TokensGenerated":
                    break
            seen[prompt].append(perf_counter())
        messages += [json.loads(line) for line in run.stdout]
    summary, submitted, last = messages[-1], [], []
    for prompt, answer in zip(chunks, summary["requests"], strict=True):
        name, counts, tokens = answer["id"], chunks[prompt], sum(chunks[prompt])
        assert answer["output_tokens"] == tokens
        mine = [each for each in messages if each.get("request_id") == name]
        times = [each["times"][0] for each in mine if each["type"] == "TokensGenerated"]
        (metrics,) = (each["metrics"] for each in mine if each["type"] == "RequestFinished")
        assert all(a <= b <= c for a, b, c in zip(script.sent[prompt], times, seen[prompt], strict=True))
        submitted.append(times[0] - answer["ttft_s"])
        last.append(times[-1])
        assert began < submitted[-1] <= script.asked[prompt]
        assert answer["e2e_s"] == pytest.approx(times[-1] - submitted[-1])
        assert answer["tpot_s"] == pytest.approx((times[-1] - times[0]) / (tokens - 1))
        spans = [(later - earlier) / count for (earlier, later), count in zip(pairwise(times), counts[1:], strict=True)]
        gaps = sorted(span for span, count in zip(spans, counts[1:], strict=True) for _ in range(count))
        assert (metrics["itl_p50_s"], metrics["itl_p99_s"]) == pytest.approx((gaps[(len(gaps) - 1) // 2], gaps[-1]))
    totals = summary["totals"]
    assert (totals["output_tokens"], totals["seconds"]) == (10, pytest.approx(max(last) - min(submitted)))
    assert totals["tokens_per_second"] == pytest.approx(10 / totals["seconds"])


def test_vllms_own_benchmark_makes_the_same_of_the_same_stream():
    if not PYTHON:
        pytest.skip("PLAYGROUND_VLLM_PYTHON names no interpreter with vLLM")
    whole = chunk(4, reason=None)
    parts = [
        (100.25, chunk(1)),
        (100.5, chunk(2) + chunk(3)),  # two steps in one look
        (100.75, whole[:9]),
        (101.125, whole[9:]),
        (101.5, chunk(5, 6, reason="length")),
        (109.0, usage(7, 6)),  # no part of the answer, however late
        (110.0, DONE),
    ]
    lines = json.dumps([(at, part.decode()) for at, part in parts])
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([PYTHON, "-c", BENCH], input=lines, capture_output=True, text=True, env=bare, check=True)
    theirs = json.loads(done.stdout)
    stream, ours = EventStream(), StreamedRequest("r", "", {}, RequestTimer(submitted=100.0), 0)
    for at, part in parts:
        for data in stream.feed(part):
            if data != LAST:
                ours.take(at, read_piece(data))
    metrics = ours.metrics()
    assert (theirs["error"], theirs["output_tokens"]) == ("", metrics.output_tokens) == ("", 6)
    assert (theirs["ttft"], theirs["latency"]) == (metrics.ttft_s, metrics.e2e_s) == (0.25, 1.5)
    # As its `calculate_metrics` says.
    assert metrics.tpot_s == (theirs["latency"] - theirs["ttft"]) / (theirs["output_tokens"] - 1) == 0.25
    # Its ITL is a gap between chunks; ours shares it out among the tokens that came at its end.
    assert theirs["itl"] == [gap for gap, _ in ours.timer.gaps] == [0.25, 0.0, 0.625, 0.375]
    assert percentiles(ours.timer.gaps, (0.2, 0.6, 1.0)) == [0.0, 0.1875, 0.625]
