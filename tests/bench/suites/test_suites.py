"""Every suite of the Bench screen on the bundled model: progress with an ETA, rows, a report, and one ended early."""

from __future__ import annotations

import asyncio
import re

import pytest

from playground import paths
from playground.bench.engine import WorkerEngine
from playground.bench.quality.measure import Needles
from playground.bench.report import Conditions
from playground.bench.report_run import report_run
from playground.bench.speech.speech_engine import SpeechEngine
from playground.bench.suites.pace import Pace
from playground.bench.suites.quality import base_of
from playground.bench.suites.suite import SuiteProgress
from playground.bench.suites.table import RUNNING, SUITES
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions

OPTIONS = EngineOptions(dtype="float32", kv_blocks="64", kv_cache="int8")
SIZES = {"quality": 2, "load": 2, "attention": 1, "tokenizer": 1, "speech": 2}


async def run(name: str, worker: WorkerEngine | SpeechEngine) -> None:
    suite, progress = RUNNING[name](SIZES[name]), list[SuiteProgress]()
    assert suite.report(worker, Conditions()) is None, "nothing was measured yet"
    await suite.run(worker, progress.append)
    report = suite.report(worker, Conditions(["a note"]))
    assert report is not None and report.suite == name and "a note" in report.trust.notes
    done = [each.done for each in progress]
    assert done == sorted(done) and done[-1] == progress[-1].total, name
    assert all(each.eta_s is not None for each in progress if each.done), "what is left is known from the first step on"
    assert progress[-1].eta_s == 0 and progress[-1].figure, name
    rows = [each.row for each in progress if each.row]
    assert rows and len(set(rows)) == len(rows) and all(row.name and row.verdict and row.detail for row in rows), name
    if name == "quality":
        assert rows[0].name == "held-out" and re.match(r"held-out \d\.\d{3} bits/byte  perplexity", progress[-1].figure)
        assert "  KL " in rows[0].detail and "KL 0.000" not in rows[0].detail
        assert all(row.seconds and row.seconds > 0.001 for row in rows), "each has its own time"
    kept = report_run(report, 1.0)
    assert kept.measure == SUITES[name].measure and (kept.quality is None) == (not kept.measure)
    if name == "speech":
        assert kept.options["model"] == "tiny-whisper", "no path: it is shown in a narrow panel"
    else:
        assert kept.options["kv_cache"] == "int8" and worker.fold.effective["kv_cache"] == "int8", "as it was asked for"


async def test_the_suites_of_an_engine(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other on one engine; the code suite has its own test on the screen."""
    monkeypatch.setattr("playground.bench.suites.quality.NEEDLES", Needles((100,), 2))
    monkeypatch.setattr("playground.bench.suites.attention.LENGTHS", (64, 128))
    load = LoadModel(model=str(paths.bundled_model()), options=OPTIONS)
    async with WorkerEngine("transformers", load, tmp_path / "log") as engine:
        for name in SIZES:
            if not SUITES[name].speech:
                await run(name, engine)
        await stop_early(engine)


async def test_recordings_are_heard(tmp_path) -> None:
    async with SpeechEngine(tmp_path / "log") as engine:
        await run("speech", engine)


async def stop_early(engine: WorkerEngine) -> None:
    """What is done by then is reported."""
    suite, first = RUNNING["load"](3), asyncio.Event()
    task = asyncio.create_task(suite.run(engine, lambda progress: first.set() if progress.row else None))
    await asyncio.wait_for(first.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    report = suite.report(engine, Conditions(["stopped"]))
    assert report is not None and 1 <= report.totals["levels"] < 4


def test_answers_are_compared_with_the_defaults_of_what_changes_them() -> None:
    asked = EngineOptions(kv_cache="int4", max_batch=3, dtype="float32")
    assert base_of(asked) == EngineOptions(max_batch=3, dtype="float32")
    assert base_of(EngineOptions(max_batch=3)) is None


def test_what_is_left_follows_the_rate_since_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 10.0, 10.0, 11.0, 13.0])
    monkeypatch.setattr("playground.bench.suites.pace.perf_counter", lambda: next(now))
    progress = list[SuiteProgress]()
    pace = Pace(progress.append)
    for done in (1, 2, 2, 4):
        pace.step(done, 4)
    assert [each.eta_s for each in progress] == [30.0, 2.0, 2.0, 0.0]
