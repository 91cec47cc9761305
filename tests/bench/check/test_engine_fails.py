"""`check` where the engine fails halfway: what was found by then is kept, and the failure is a finding."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playground import paths
from playground.bench.check.check import Check, CheckReport
from playground.bench.engine import WorkerEngine
from playground.protocol.commands import LoadModel, Score
from playground.protocol.wire import AnyCommand

PATIENCE_S = 60.0


async def check(folder: Path, log: Path, dies_at: type[AnyCommand] | None = None) -> CheckReport:
    """The report of a check whose engine process is killed as it is sent a command of this type."""
    load = LoadModel(model=str(folder))
    whole, engine = Check(load), WorkerEngine("transformers", None, log)
    send = engine.send

    def killing(command: AnyCommand) -> None:
        if dies_at and isinstance(command, dies_at):
            engine._client.kill()
        send(command)

    engine.send = killing  # type: ignore[method-assign]
    async with engine, asyncio.timeout(PATIENCE_S):
        async for _ in whole.run(engine):
            pass
    return whole.report(engine.fold)


async def test_an_engine_that_dies_ends_the_check_with_a_finding(tmp_path: Path) -> None:
    report = await check(paths.bundled_model(), tmp_path / "log", dies_at=Score)
    last = report.findings[-1]
    assert report.verdict == "fail" and last.verdict == "fail" and last.name == "perplexity"
    assert last.evidence.startswith("the engine process ended with code")
    assert "generation" in {finding.name for finding in report.findings}, "what was found before is kept"
