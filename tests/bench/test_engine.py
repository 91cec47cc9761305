"""A benchmark's engine that dies: whoever asks it anything is told so, each time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.protocol.commands import LoadModel, Tokenize
from playground.protocol.events import Tokenized


async def test_a_dead_engine_answers_no_question_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with WorkerEngine("scripted", LoadModel(model="scripted"), tmp_path / "log") as engine:
        engine._client.kill()
        for _ in range(2):
            with pytest.raises(EngineFailed, match="the engine process ended with code"):
                async with asyncio.timeout(10):
                    await engine.ask(Tokenize(key="a", texts=["a"]), Tokenized)
