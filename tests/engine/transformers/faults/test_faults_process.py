"""Killed processes and Ctrl+C, on the real engine: nothing hangs, nothing stays behind, everything can start again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from playground.client import WorkerClient
from playground.protocol.commands import LoadModel, SetOptions, Submit
from playground.protocol.events import (
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.options import EngineOptions
from tests.engine.transformers import checkpoints
from tests.engine.transformers.faults.live_worker import TIMEOUT_S, request
from tests.worker.processes import seconds_until_gone

GONE_S = 2.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("process") / "model"
    return checkpoints.make(path, layers=2, max_position_embeddings=8192)


@pytest.fixture
def running(folder, tmp_path):
    """Starts `playground run` on the real engine, and ends what remains of it."""
    home = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    command = [sys.executable, "-m", "playground", "run", str(folder), "--prompt", "x", "--ignore-eos", "--json"]
    process = subprocess.Popen(
        [*command, "--max-tokens", "4000"],
        env=os.environ | home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def read_until(process, kind):
    for line in process.stdout:
        if (event := json.loads(line))["type"] == kind:
            return event
    raise AssertionError(process.stderr.read())


def child_of(process):
    """The worker, as soon as it exists."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            if "playground.worker" in " ".join(child.cmdline()):
                return child
        time.sleep(0.02)
    raise AssertionError("no worker")


@pytest.mark.parametrize("moment", ["starting", "streaming"])
def test_nothing_outlives_a_killed_ui(running, moment):
    worker = child_of(running)
    if moment == "streaming":
        read_until(running, "TokensGenerated")
    family = [worker, *worker.children(recursive=True)]
    running.kill()
    assert seconds_until_gone(*(process.pid for process in family)) < GONE_S


def test_ctrl_c_while_the_model_loads(running):
    worker = child_of(running)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=10)
    assert (running.returncode, stderr) == (1, "playground: stopped by Ctrl+C\n")
    assert seconds_until_gone(worker.pid) < GONE_S


def test_a_killed_worker_ends_the_run_with_one_line(running):
    worker = read_until(running, "WorkerReady")["pid"]
    read_until(running, "TokensGenerated")
    os.kill(worker, signal.SIGKILL)
    stdout, stderr = running.communicate(timeout=10)
    assert running.returncode == 1
    assert stderr.startswith("playground: the engine process ended") and len(stderr.splitlines()) == 1
    assert json.loads(stdout.splitlines()[-1])["requests"][0]["finish_reason"] == "error"


async def test_a_killed_worker_starts_again_with_its_model_and_options(folder, tmp_path):
    events: asyncio.Queue = asyncio.Queue()

    async def wait(kind):
        async with asyncio.timeout(TIMEOUT_S):
            while not isinstance(event := await events.get(), kind):
                pass
            return event

    client = WorkerClient("engine", "transformers", tmp_path / "log", events.put_nowait)
    await client.start()
    try:
        pid = (await wait(WorkerReady)).pid
        client.send(LoadModel(model=str(folder), options=EngineOptions(kv_blocks="200")))
        await wait(OptionsApplied)
        client.send(SetOptions(changes={"kv_cache": "int8"}))
        await wait(OptionsApplied)
        client.send(Submit(requests=[request("cut", max_tokens=4000), request("queued", max_tokens=4000)]))
        await wait(TokensGenerated)
        os.kill(pid, signal.SIGKILL)
        ends = [await wait(RequestFinished), await wait(RequestFinished)]
        assert [(end.request_id, end.reason) for end in ends] == [("cut", "error"), ("queued", "error")]
        assert all(end.message == "the engine process ended unexpectedly" for end in ends)
        assert (await wait(WorkerExited)).code == -signal.SIGKILL
        client.send(Submit(requests=[request("too early")]))
        assert (await wait(RequestFinished)).message == "the engine process ended unexpectedly; restart it first"
        await client.restart()
        assert (await wait(ModelLoaded)).facts.path == str(folder)
        assert (await wait(OptionsApplied)).requested == EngineOptions(kv_blocks="200", kv_cache="int8")
        client.send(Submit(requests=[request("again")]))
        assert (await wait(RequestFinished)).reason == "length"
    finally:
        await client.stop()
    assert not client.running
