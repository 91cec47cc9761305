"""Real out-of-memory errors: the message says what was requested and what is free, the toggle goes back, the session
continues."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from playground.protocol.commands import SetOptions, Submit
from playground.protocol.events import OptionsApplied, TokensGenerated
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import LiveWorker, request

linux = pytest.mark.skipif(sys.platform != "linux", reason="another process's limits are Linux's to set")
MIB = 2**20


@contextmanager
def room_for(worker: LiveWorker, more: int) -> Iterator[None]:
    """The worker may map `more` bytes beyond what it has."""
    import resource

    pid = worker.pid
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (psutil.Process(pid).memory_info().vms + more, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_AS, before)


def switch(worker: LiveWorker, **changes) -> OptionsApplied:
    worker.send(SetOptions(changes=changes))
    return worker.wait(OptionsApplied, when=lambda event: event.changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """19 MiB of weights in float32, a context of 8192 tokens."""
    path = tmp_path_factory.mktemp("memory") / "model"
    return checkpoints.make(path, layers=5, hidden=256, inner=1024, max_position_embeddings=8192)


def test_too_many_blocks_say_how_many_would_fit(worker, folder):
    worker.load(folder, kv_blocks="32")
    line = worker.refusal(SetOptions(changes={"kv_blocks": "2000000"}))
    said = re.fullmatch(r"2000000 KV blocks need ([\d.]+) GiB and ([\d.]+) GiB are free; at most (\d+) would fit", line)
    assert said and float(said[1]) > float(said[2])
    assert switch(worker, max_batch=3).effective["kv_blocks"] == "32"


def test_a_request_that_can_never_fit(worker, folder):
    worker.load(folder, kv_blocks="4")
    big, small = worker.finish(request("big", [7] * 100, max_tokens=100), request("small", [7] * 20, max_tokens=20))
    assert big.message == (
        "100 prompt + 100 new tokens need 7 KV blocks and there are 4; raise kv_blocks or lower max tokens"
    )
    assert small.reason == "length"


def test_requests_that_fit_only_one_by_one_all_end(worker, folder):
    worker.load(folder, kv_blocks="4", prefix_cache=False)
    ends = worker.finish(*(request(f"tight{index}", [7 + index] * 60, max_tokens=60) for index in range(4)))
    assert [end.reason for end in ends] == ["length"] * 4
    assert sum(end.metrics.preemptions for end in ends) > 0


@linux
def test_a_conversion_that_runs_out_goes_back(worker, tmp_path):
    worker.load(checkpoints.make(tmp_path / "model", layers=6, hidden=512, inner=4096), kv_blocks="32")
    switch(worker, weights="nf4")
    switch(worker, weights="model")
    worker.send(Submit(requests=[request("running", max_tokens=150)]))
    worker.wait(TokensGenerated)
    with room_for(worker, 1 * MIB):
        line = worker.refusal(SetOptions(changes={"weights": "int8"}))
    assert line.startswith("out of memory: weights=int8: ") and line.endswith("; the toggle is back where it was")
    assert worker.wait_end("running").reason == "length"
    assert switch(worker, max_batch=3).effective["weights"] == "model"
    assert switch(worker, weights="int8").effective["weights"] == "int8"


@linux
def test_a_step_that_runs_out_ends_its_requests_alone(worker, folder):
    worker.load(folder, attention="eager", token_budget=8000, kv_blocks="512")
    worker.finish(request("short"))
    with room_for(worker, 256 * MIB):
        end = worker.finish(request("long", [7] * 6000))[0]
    assert end.reason == "error"
    assert re.fullmatch(
        r"out of memory in a step: [\d.]+ [KMG]iB more were asked for, [\d.]+ MiB are free;"
        r" lower kv_blocks, slots or max tokens",
        end.message,
    )
    assert worker.finish(request("short again"))[0].reason == "length"
