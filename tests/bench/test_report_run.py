"""What the history keeps of a report."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from playground.bench.report import Report, Speed, Trust
from playground.bench.report_run import report_run
from playground.protocol.options import EngineOptions, as_text
from playground.session.history.database import Database

TRUST = Trust(
    start="warm",
    prefix_hit=0.25,
    throttled=("thermal",),
    other_processes=1,
    differs={"attention": "eager alone reads codes"},
    n=40,
    versions={"torch": "2.13"},
    formulas={},
    notes=["stopped: 3 of 40 tasks are in the totals"],
)


def report(totals) -> Report:
    options = as_text(EngineOptions(kv_cache="int8", attention="sdpa-flash"))
    return Report(
        suite="code",
        model="models/tiny-coder",
        options=options,
        effective=options | {"attention": "eager", "kv_blocks": "8192"},
        totals=totals,
        items=[{"task_id": "t1"}],
        trust=TRUST,
        speed=Speed(ttft_s=0.1, tps=20.0, output_tokens=99, memory_bytes=5),
        engine="transformers",
    )


@pytest.mark.parametrize(
    ("totals", "quality", "measure"),
    [
        ({"pass_at_k": {"1": 0.75}}, 0.75, "pass@1"),
        ({"own": {"bits_per_byte": 1.5, "perplexity": 9.0}}, 1.5, "bits per byte"),
        ({"levels": 3}, None, ""),
    ],
)
def test_a_report_becomes_a_run(totals, quality, measure, tmp_path: Path):
    run = report_run(report(totals | {"seconds": 3.0, "tokens_per_second": 33.0}), 9.0)
    assert (run.kind, run.quality, run.measure) == ("bench code", quality, measure)
    assert run.options == {"kv_cache": "int8", "attention": "sdpa-flash"}
    assert (run.ttft_s, run.tps, run.system_tps, run.output_tokens, run.requests) == (0.1, 20.0, 33.0, 99, 40)
    assert run.flags == ["prefix 25 %", "attention is eager", "throttled", "GPU shared with 1", *TRUST.notes]
    database = Database(tmp_path / "history.db")
    (kept,) = database.read_whole([database.add(run)])
    database.close()
    assert msgspec.convert(kept.result, Report) == report(totals | {"seconds": 3.0, "tokens_per_second": 33.0})
