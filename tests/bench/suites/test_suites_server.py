"""The suites of the Bench screen on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.report import PREFIX_KEPT, Conditions
from playground.bench.suites.table import RUNNING
from playground.protocol.commands import LoadModel
from tests.engine.openai_server.loopback import DONE, loopback, text, usage


async def test_tasks_that_a_server_does_not_answer_end_with_its_reason(tmp_path: Path) -> None:
    with loopback() as server:
        server.answer = lambda handler: handler.json({"error": {"message": "no room"}}, 400)
        async with WorkerEngine("openai", LoadModel(model="", url=server.url), tmp_path / "log") as worker:
            with pytest.raises(EngineFailed, match="answered 400: no room"):
                await RUNNING["code"](2).run(worker, lambda progress: None)


async def test_reports_name_a_servers_model_and_its_kept_prefix_cache(tmp_path: Path) -> None:
    with loopback() as server:
        parts = [text("    return 1"), text("\n", "stop"), usage(7, 2), DONE]
        server.answer = lambda handler: handler.events(parts, 0.01)
        server.models = {"data": [{"id": "small", "owned_by": "vllm"}]}
        async with WorkerEngine("openai", LoadModel(model="", url=server.url), tmp_path / "log") as worker:
            for name in ("code", "load"):
                suite = RUNNING[name](2)
                await suite.run(worker, lambda progress: None)
                report = suite.report(worker, Conditions())
                assert report is not None and report.model == "small" and report.speed.output_tokens > 0
                assert (PREFIX_KEPT in report.trust.notes) == (name == "load")
