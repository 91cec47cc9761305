"""The UI's side of a worker, against real worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from playground.client import DIED, WorkerClient
from playground.engine.backends.scripted.answers import ANSWER
from playground.protocol.commands import CancelLoad, GenerationRequest, LoadModel, SetOptions, Submit
from playground.protocol.events import (
    Failed,
    LoadCancelled,
    ModelLoaded,
    ModelLoading,
    OptionsApplied,
    RequestFinished,
    RequestQueued,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.options import EngineOptions
from playground.protocol.wire import AnyEvent
from playground.worker.outbox import BUNDLE_S
from tests.engine.openai_server.loopback import loopback
from tests.worker.processes import alive, seconds_until_gone, write_answer, write_starter

TIMEOUT_S = 30


class Session:
    """A client and every event that it handed on."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.events: list[AnyEvent] = []
        self._came = asyncio.Event()
        self.client = WorkerClient("engine", engine, folder / "log" / "worker.log", self._take, write_starter(folder))

    def _take(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._came.set()

    async def until(self, kind: type[AnyEvent], count: int = 1) -> AnyEvent:
        """The `count`-th event of a kind."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(found := self.all(kind)) < count:
                self._came.clear()
                await self._came.wait()
        return found[count - 1]

    def all(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def load(self, model: str = "any", **options) -> None:
        self.client.send(LoadModel(model=model, options=EngineOptions(**options)))
        await self.until(OptionsApplied)

    def ask(self, *names: str) -> None:
        self.client.send(Submit(requests=[GenerationRequest(request_id=name, prompt="hello") for name in names]))

    async def pid(self, count: int = 1) -> int:
        return (await self.until(WorkerReady, count)).pid


@pytest.fixture
async def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable]:
    """Starts workers; none is left behind."""
    monkeypatch.setenv("CHILD_FILE", str(tmp_path / "child"))
    sessions: list[Session] = []

    async def begin(engine: str = "scripted") -> Session:
        sessions.append(Session(tmp_path, engine))
        await sessions[-1].client.start()
        return sessions[-1]

    yield begin
    for session in sessions:
        await session.client.stop(0)


async def test_every_token_comes_before_the_end_and_the_text_is_whole(connect):
    session = await connect()
    await session.load()
    session.ask("a", "b", "c")
    await session.until(RequestFinished, 3)
    for name in "abc":
        queued, *events = [e for e in session.events if getattr(e, "request_id", None) == name]
        assert isinstance(queued, RequestQueued)
        assert [type(event) for event in events] == [TokensGenerated] * (len(events) - 1) + [RequestFinished]
        assert "".join(event.text for event in events[:-1]) == ANSWER
        assert sum(len(event.token_ids) for event in events[:-1]) == events[-1].metrics.output_tokens
        times = [time for event in events[:-1] for time in event.times]
        assert times == sorted(times) and len(times) == events[-1].metrics.output_tokens


async def test_tokens_come_in_bundles_after_the_first(connect, tmp_path):
    session = await connect()
    await session.load(write_answer(tmp_path, 100))
    session.ask("a")
    await session.until(RequestFinished)
    bundles = session.all(TokensGenerated)
    assert len(bundles[0].token_ids) == 1
    seconds = bundles[-1].times[-1] - bundles[0].times[0]
    assert 3 <= len(bundles) <= seconds / BUNDLE_S + 3
    # A bundle closes when it is due; only the step that was under way then makes it longer.
    gaps = [later - sooner for b in bundles[1:] for sooner, later in zip(b.times, b.times[1:], strict=False)]
    assert max(b.times[-1] - b.times[0] for b in bundles) < BUNDLE_S + 2 * max(gaps)


async def test_a_worker_killed_in_mid_stream_ends_its_requests_and_is_an_event(connect, tmp_path):
    session = await connect("noisy")
    await session.load(write_answer(tmp_path, 1000))
    session.ask("a", "b")
    await session.until(TokensGenerated, 2)
    child = int((tmp_path / "child").read_text())
    os.kill(await session.pid(), signal.SIGKILL)
    exited = await session.until(WorkerExited)
    assert exited.code == -signal.SIGKILL and "written to 2" in exited.log_tail
    ends = session.all(RequestFinished)
    assert [(end.request_id, end.reason, end.message) for end in ends] == [("a", "error", DIED), ("b", "error", DIED)]
    assert session.events[-1] is exited and not session.client.running
    assert seconds_until_gone(child) < 2


async def test_a_child_that_keeps_the_pipe_open_hides_no_death(connect, tmp_path):
    session = await connect("forking")
    await session.load(write_answer(tmp_path, 1000))
    session.ask("a")
    await session.until(TokensGenerated)
    child = int((tmp_path / "child").read_text())
    os.kill(await session.pid(), signal.SIGKILL)
    async with asyncio.timeout(5):
        assert (await session.until(WorkerExited)).code == -signal.SIGKILL
    assert [end.message for end in session.all(RequestFinished)] == [DIED]
    assert seconds_until_gone(child) < 2


async def test_stop_does_not_wait_for_a_child_that_keeps_the_pipe_open(connect, tmp_path):
    session = await connect("forking")
    pid, child = await session.pid(), int((tmp_path / "child").read_text())
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while session.client.running:
            await asyncio.sleep(0.001)
        await session.client.stop()
    assert seconds_until_gone(child) < 2


async def test_stop_and_kill_take_along_what_left_the_worker_s_session(connect, tmp_path):
    for end in (WorkerClient.stop, WorkerClient.restart):
        session = await connect("leaving")
        pids = [await session.pid(), *map(int, (tmp_path / "child").read_text().split())]
        await end(session.client)
        assert len(pids) == 3 and not any(map(alive, pids))


async def test_a_restart_brings_back_the_model_and_the_options_of_last(connect, tmp_path):
    session, model = await connect(), write_answer(tmp_path, 5)
    await session.load(model, max_batch=5)
    session.client.send(SetOptions(changes={"batching": "static", "prefix_cache": False}))
    await session.until(OptionsApplied, 2)
    first = await session.pid()
    os.kill(first, signal.SIGKILL)
    await session.until(WorkerExited)
    await session.client.restart()
    applied = await session.until(OptionsApplied, 3)
    assert applied.requested == EngineOptions(max_batch=5, batching="static", prefix_cache=False)
    assert session.all(ModelLoaded)[-1].facts.path == model and await session.pid(2) != first
    session.ask("a")
    assert (await session.until(RequestFinished)).reason == "stop"


async def test_a_restart_replaces_a_living_worker_and_ends_what_it_did(connect, tmp_path):
    session = await connect()
    await session.load(write_answer(tmp_path, 1000))
    session.ask("a")
    await session.until(TokensGenerated)
    await session.client.restart(load=False)
    assert session.all(RequestFinished)[0].reason == "error"
    first, second = await session.pid(), await session.pid(2)
    assert not alive(first) and alive(second) and not session.all(WorkerExited)


async def test_a_request_to_a_dead_worker_ends_at_once(connect):
    session = await connect()
    os.kill(await session.pid(), signal.SIGKILL)
    await session.until(WorkerExited)
    session.ask("a")
    end = session.all(RequestFinished)[0]
    assert end.reason == "error" and "restart it" in end.message


async def test_a_request_without_a_model_is_forgotten_as_it_ends(connect):
    session = await connect()
    session.client.send(Submit(requests=[GenerationRequest(request_id="a", prompt="hello")]))
    await session.until(RequestFinished)
    session.client.kill()
    await session.until(WorkerExited)
    assert [(end.request_id, end.message) for end in session.all(RequestFinished)] == [
        ("a", "no script is loaded; load one first")
    ]


async def test_stop_leaves_no_process_and_is_no_accident(connect, tmp_path):
    session = await connect("noisy")
    pid = await session.pid()
    child = int((tmp_path / "child").read_text())
    await session.client.stop()
    assert seconds_until_gone(pid, child) < 2 and not session.all(WorkerExited)
    await session.client.stop()


async def test_a_worker_that_hangs_is_made_to_stop(connect):
    session = await connect("stuck")
    session.client.send(LoadModel(model="any"))
    await session.until(ModelLoading)
    pid = await session.pid()
    await session.client.stop(grace_s=0.2)
    assert not alive(pid)


async def test_a_load_is_cancelled_and_another_one_works(connect):
    session = await connect("slow")
    session.client.send(LoadModel(model="large"))
    await session.until(ModelLoading)
    session.client.send(CancelLoad())
    assert (await session.until(LoadCancelled)).model == "large"
    await session.load("quick")
    session.ask("a")
    assert (await session.until(RequestFinished)).reason == "stop"


async def test_a_load_that_left_the_model_before_in_place_is_not_what_a_restart_brings_back(connect, tmp_path):
    session = await connect("keeping")
    await session.load(kept := write_answer(tmp_path, 3))
    session.client.send(LoadModel(model="other"))
    await session.until(OptionsApplied, 2)
    assert len(session.all(Failed)) == 1
    await session.client.restart()
    await session.until(OptionsApplied, 3)
    assert [loaded.facts.path for loaded in session.all(ModelLoaded)] == [kept] * 3


async def test_a_restart_asks_a_server_for_its_model_and_not_for_its_address(connect):
    session = await connect("openai")
    with loopback() as server:
        session.client.send(LoadModel(model="small", url=server.url))
        await session.until(ModelLoaded)
        await session.client.restart()
        assert (await session.until(ModelLoaded, 2)).facts.name == "small"


async def test_a_cancel_without_a_load_spoils_nothing(connect):
    session = await connect("slow")
    session.client.send(CancelLoad())
    await session.load("quick")
    assert not session.all(LoadCancelled)


async def test_a_worker_that_cannot_start_is_an_event_with_the_reason(connect):
    session = await connect("nonexistent")
    exited = await session.until(WorkerExited)
    assert exited.code == 1 and "nonexistent" in exited.log_tail


async def test_a_line_that_is_no_event_is_a_fault_and_not_silence(tmp_path: Path):
    liar = tmp_path / "liar"
    liar.write_text('#!/bin/sh\necho \'{"type": "Scored", "key": "a", "nll": [null], "top": [1]}\'\n')
    liar.chmod(0o755)
    session = Session(tmp_path, "scripted")
    session.client = WorkerClient("engine", "scripted", tmp_path / "log", session._take, str(liar))
    await session.client.start()
    fault = await session.until(Failed)
    assert fault.where == "worker" and "nll" in fault.message
    await session.until(WorkerExited)


async def test_a_line_over_the_limit_is_the_end_of_the_worker_and_not_silence(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("playground.client.LINE_LIMIT", 2000)
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nhead -c 9000 /dev/zero | tr '\\0' x\nexec sleep 100\n")
    endless.chmod(0o755)
    session = Session(tmp_path, "scripted")
    session.client = WorkerClient("engine", "scripted", tmp_path / "log", session._take, str(endless))
    await session.client.start()
    session.ask("a")
    exited = await session.until(WorkerExited)
    assert exited.code and exited.code < 0 and "limit" in exited.log_tail and not session.client.running
    assert [end.message for end in session.all(RequestFinished)] == [DIED]
    await session.client.stop()


async def test_a_fault_of_whoever_listens_is_the_end_of_the_worker_and_not_silence(connect, tmp_path):
    session = await connect()
    await session.load(write_answer(tmp_path, 1000))
    pid, take = await session.pid(), session.client._on_event

    def broken(event: AnyEvent) -> None:
        take(event)
        if isinstance(event, TokensGenerated | RequestFinished):
            raise KeyError("whoever listens")

    session.client._on_event = broken
    session.ask("a", "b")
    exited = await session.until(WorkerExited)
    assert exited.code == -signal.SIGKILL and "KeyError: 'whoever listens'" in exited.log_tail
    assert not alive(pid) and session.all(RequestFinished)
    await session.client.stop()
