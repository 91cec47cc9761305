"""The screen on a real vLLM: one of its ranks dies, one key starts it again, its worker dies; Esc amid its starts."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil
from textual.pilot import Pilot

from playground import paths
from playground.engine.backends.vllm.faults import DIED
from playground.preset import Preset
from playground.protocol.commands import SamplingParams
from playground.protocol.options import EngineOptions
from playground.tui.app import PlaygroundApp
from playground.tui.state.request import RequestState
from tests.engine.vllm.conftest import OPTIONS, VllmWorker
from tests.tui.cells import shown
from tests.tui.conftest import Wait, own_folders, until  # noqa: F401
from tests.worker.processes import seconds_until_gone

LONG = Preset(title="", summary="", sampling=SamplingParams(max_tokens=1900, ignore_eos=True), prompts=["add"])
GONE_S = 10.0


def processes(pid: int) -> list[psutil.Process]:
    """A worker and its children."""
    worker = psutil.Process(pid)
    return [worker, *worker.children(recursive=True)]


def ranks(processes: list[psutil.Process]) -> list[psutil.Process]:
    """The processes in which vLLM computes, by the name that they set."""
    return [each for each in processes if each.name().startswith("VLLM")]


async def started(app: PlaygroundApp, pilot: Pilot[None], until: Wait) -> None:  # noqa: F811
    """vLLM runs, and its answers are the model's."""
    await until(pilot, lambda: app.bridge.state.facts, seconds=VllmWorker.patience_s)
    await until(pilot, lambda: " verified " in shown(app))


async def answering(app: PlaygroundApp, pilot: Pilot[None], until: Wait) -> RequestState:  # noqa: F811
    """A running request whose first words have arrived."""
    request = app.bridge.state.requests[app.session.submit("def add(a, b):")]
    await until(pilot, lambda: "return" in request.text, seconds=60)
    return request


async def test_one_key_starts_vllm_again_after_one_of_two_ranks_died_and_none_outlives_its_worker(
    vllm_python: str,
    until: Wait,  # noqa: F811
) -> None:
    app = PlaygroundApp(engine="vllm", options=EngineOptions(**OPTIONS), preset=LONG, tensor_parallel=2)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await started(app, pilot, until)
        first = processes(state.model.pid or 0)
        assert len(ranks(first)) == 2
        ranks(first)[0].kill()  # while nothing runs
        await until(pilot, lambda: "the engine process died (code 1); ^Y restarts it" in shown(app), seconds=60)
        assert seconds_until_gone(*(each.pid for each in first)) < GONE_S
        await pilot.press("ctrl+l")
        await until(pilot, lambda: DIED in shown(app))
        await pilot.press("escape", "ctrl+y")

        await started(app, pilot, until)
        request, second = await answering(app, pilot, until), processes(state.model.pid or 0)
        assert len(ranks(second)) == 2
        os.kill(state.model.pid or 0, signal.SIGKILL)
        await until(pilot, lambda: "the engine process died (SIGKILL); ^Y restarts it" in shown(app))
        assert seconds_until_gone(*(each.pid for each in second)) < GONE_S
        assert request.finished and request.finished.reason == "error" and "return" in request.text


async def test_esc_amid_a_start_of_vllm_brings_back_what_ran_before(
    vllm_python: str,
    until: Wait,  # noqa: F811
    tmp_path: Path,
) -> None:
    app = PlaygroundApp(engine="vllm", options=EngineOptions(**OPTIONS), preset=LONG)
    other = shutil.copytree(paths.bundled_model(), tmp_path / "other")
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await started(app, pilot, until)
        kept = state.facts
        assert kept

        async def stopped(key: str, said: str) -> None:
            """Esc, once what ran before has ended; what it does is said."""
            await until(pilot, lambda: "vLLM's configuration" in shown(app) and key in shown(app), seconds=60)
            await pilot.press("escape")
            await until(pilot, lambda: said in shown(app) and state.facts, seconds=60)
            await started(app, pilot, until)
            assert state.facts and state.facts.path == kept.path and not state.model.progress

        await app.session.load(str(other))
        await stopped("Esc cancels", f"the load was stopped; {kept.name} comes back")
        app.session.switch("prefix_cache", False)
        await stopped("Esc stops", "the switch was stopped; vLLM runs as before")
        assert state.toggles.effective["prefix_cache"] == "on"
        await answering(app, pilot, until)
