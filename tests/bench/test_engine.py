"""A benchmark's engine that dies: whoever asks it anything is told so, each time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.protocol.commands import GenerationRequest, LoadModel, Tokenize
from playground.protocol.events import Tokenized


async def test_a_dead_engine_answers_no_question_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with WorkerEngine("scripted", LoadModel(model="scripted"), tmp_path / "log") as engine:
        engine._client.kill()
        for _ in range(2):
            with pytest.raises(EngineFailed, match="the engine process ended with code"):
                async with asyncio.timeout(10):
                    await engine.ask(Tokenize(key="a", texts=["a"]), Tokenized)


async def test_requests_without_a_model_are_a_failure_and_not_results(tmp_path: Path) -> None:
    async with WorkerEngine("scripted", None, tmp_path / "log") as engine:
        with pytest.raises(EngineFailed, match="no script is loaded"):
            await engine.generate([GenerationRequest(request_id="a", prompt="hello")])
