"""The screen on a real vLLM: a start that is stopped, an engine that dies, one key that starts it again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from playground import paths
from playground.config import VLLM_PYTHON, EngineSettings, Settings, VllmSettings
from playground.protocol.options import EngineOptions
from playground.tui.app import PlaygroundApp
from tests.worker.processes import seconds_until_gone

Wait = Callable[..., Any]
IN_PROCESSES = Settings(engines=EngineSettings(vllm=VllmSettings(executor="mp")))
OPTIONS = EngineOptions(dtype="float32", kv_blocks="64")
START_S = 240.0


def _shown(app: PlaygroundApp) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def _processes(pid: int) -> list[psutil.Process]:
    """A worker, and what it started."""
    worker = psutil.Process(pid)
    return [worker, *worker.children(recursive=True)]


@pytest.mark.skipif(not os.environ.get(VLLM_PYTHON), reason=f"{VLLM_PYTHON} names no interpreter")
async def test_a_start_that_is_stopped_and_an_engine_that_dies(until: Wait) -> None:
    app = PlaygroundApp(engine="vllm", options=OPTIONS, settings=IN_PROCESSES)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.bridge.state
        await until(pilot, lambda: state.progress and state.progress.stage == "device", seconds=START_S)
        await until(pilot, lambda: len(_processes(state.pid or 0)) > 1, seconds=60)
        stopped = _processes(state.pid or 0)
        await pilot.press("escape")
        await until(pilot, lambda: state.loading is None and "the load was stopped" in _shown(app))
        assert seconds_until_gone(*(each.pid for each in stopped[1:])) < 10

        await app.session.load(str(paths.bundled_model()))
        await until(pilot, lambda: state.facts, seconds=START_S)
        await until(pilot, lambda: "verified" in _shown(app))
        first = _processes(state.pid or 0)
        next(each for each in first if each.name().startswith("VLLM")).kill()
        app.session.submit("def add(a, b):")
        await until(pilot, lambda: state.status == "failed", seconds=60)
        assert seconds_until_gone(*(each.pid for each in first)) < 10
        assert state.exited and "engine died" in state.exited.log_tail

        await pilot.press("ctrl+y")
        await until(pilot, lambda: state.facts, seconds=START_S)
        request = state.requests[app.session.submit("def add(a, b):")]
        await until(pilot, lambda: request.finished, seconds=60)
        assert request.finished and request.finished.reason in ("stop", "length") and request.text
