"""The Batching screen across engines: the session's against another, on a real worker that lives as long as its run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from playground import paths
from playground.bench.load.lengths import Lengths
from playground.protocol.options import EngineOptions
from playground.session.history.query import parse_filter
from playground.session.replay import read_recording
from playground.tui.app import PlaygroundApp
from playground.tui.state.load_profile import LoadProfile
from tests.tui.batching.running import run_load
from tests.tui.cells import shown
from tests.tui.conftest import Opened, Wait

FLOAT32 = EngineOptions(dtype="float32")
SHORT = LoadProfile(requests=8, slots=4, lengths=Lengths("uniform", 8, 48), against="transformers")


@pytest.fixture
def workers() -> Callable[[], int]:
    """Counts the workers that this test started: those of other tests may outlive them."""
    earlier = set(psutil.Process().children())

    def count() -> int:
        return sum(_works(each) for each in set(psutil.Process().children()) - earlier)

    return count


def _works(process: psutil.Process) -> bool:
    try:
        return "playground.worker" in process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return False


async def test_both_engines_run_the_load_and_a_replay_shows_it_again(
    opened: Opened, until: Wait, workers: Callable[[], int], tmp_path: Path
) -> None:
    async with opened(str(paths.bundled_model()), options=FLOAT32) as (app, pilot):
        state = app.bridge.state
        before = state.toggles.requested
        await pilot.press("ctrl+r")
        await run_load(app, pilot, until, SHORT)
        await until(pilot, lambda: "starting transformers" in shown(app), seconds=60)
        await until(pilot, lambda: not state.load.busy and not state.toggles.switching, seconds=120)
        ours, theirs = state.load.ordered()
        assert (ours.side, theirs.side) == ("scripted", "transformers")
        assert ours.whole and theirs.whole and ours.made == theirs.made == theirs.asked
        assert theirs.board.usage.occupancy and theirs.slots == 4
        assert state.toggles.requested == before and not state.requests and workers() == 1
        await until(pilot, lambda: "transformers is " in shown(app))
        text = shown(app)
        assert "TPOT p50" in text and "the same tokens in 0 of 8 requests; both in float32" in text
        recording = Path(state.recording)
        await pilot.press("ctrl+r")
        runs = app.history.ask(lambda database: database.newest(parse_filter(""), 9)).result(10)
    assert sorted((run.engine, run.kind, run.requests) for run in runs) == [
        ("scripted", "load", 8),
        ("transformers", "load", 8),
    ]
    app = PlaygroundApp(engine="scripted", replay=read_recording(recording), speed=0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.load.speed_up)
        again = app.bridge.state.load
        assert again.sides == ("scripted", "transformers")
        assert [run.board.total for run in again.ordered()] == [ours.board.total, theirs.board.total]
        assert [run.dtype for run in again.ordered()] == ["float32", "float32"]


async def test_escape_ends_an_engine_that_is_starting(opened: Opened, until: Wait, workers: Callable[[], int]) -> None:
    async with opened(str(paths.bundled_model()), options=FLOAT32) as (app, pilot):
        state = app.bridge.state
        await run_load(app, pilot, until, SHORT)
        await until(pilot, lambda: workers() == 2, seconds=60)
        await pilot.press("escape")
        await until(pilot, lambda: not state.load.busy)
        await until(pilot, lambda: workers() == 1)
        await until(pilot, lambda: "the load ended early: stopped" in shown(app))
        assert list(state.load.runs) == ["scripted"] and state.status == "idle"


async def test_an_engine_that_cannot_load_the_model_says_why(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await run_load(app, pilot, until, SHORT)
        await until(pilot, lambda: "the load ended early: transformers:" in shown(app), seconds=60)
        assert not app.bridge.state.load.busy and app.bridge.state.status == "idle"


async def test_an_engine_is_not_compared_with_itself(opened: Opened, until: Wait) -> None:
    async with opened() as (app, pilot):
        await run_load(app, pilot, until, LoadProfile(against="scripted"))
        await until(pilot, lambda: "this session is on scripted itself" in shown(app))
        assert not app.bridge.state.load.busy


@pytest.mark.skipif(not os.environ.get("PLAYGROUND_VLLM_PYTHON"), reason="PLAYGROUND_VLLM_PYTHON names no interpreter")
async def test_transformers_against_vllm(until: Wait) -> None:
    app = PlaygroundApp(engine="transformers", options=FLOAT32)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.facts, seconds=120)
        await run_load(
            app, pilot, until, LoadProfile(requests=8, slots=4, lengths=Lengths("fixed", 96, 96), against="vllm")
        )
        await until(pilot, lambda: not state.load.busy and not state.toggles.switching, seconds=240)
        await until(pilot, lambda: "the same tokens in 8 of 8" in shown(app))
        ours, theirs = state.load.ordered()
        assert ours.usage.occupancy and theirs.usage.occupancy and theirs.blocks is not None
