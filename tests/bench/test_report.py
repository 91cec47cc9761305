"""The result file: what stands in it, and that it reads back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from playground.bench.report import Conditions, Report, build_report, build_trust, write_report
from playground.headless.bench.output import trust_line
from playground.protocol.commands import GenerationRequest, LoadModel, Submit
from playground.protocol.events import OptionsApplied, RequestFinished
from playground.protocol.metrics import FORMULAS, RequestMetrics, prefix_hit
from playground.protocol.options import EngineOptions
from playground.session.fold import Fold
from playground.session.recording import Entry


class Passed(msgspec.Struct):
    task: str
    passed: bool


@pytest.fixture
def fold() -> Fold:
    fold = Fold()
    fold.add(Entry(t=0.0, command=LoadModel(model="m", options=EngineOptions())))
    requested = EngineOptions(attention="sdpa-flash", max_batch=4)
    effective = {"attention": "prefill math, decode math", "max_batch": "4"}
    effective["kv_blocks"] = "8192"
    reasons = {"attention": "no flash kernel here", "kv_blocks": "the budget holds so many"}
    applied = OptionsApplied(changed=["attention"], requested=requested, effective=effective, reasons=reasons)
    fold.add(Entry(t=1.0, event=applied))
    fold.add(Entry(t=2.0, command=Submit(requests=[GenerationRequest(request_id=name, prompt="x") for name in "ab"])))
    for name, cached in (("a", 0), ("b", 30)):
        metrics = RequestMetrics(prompt_tokens=40, output_tokens=3, cached_tokens=cached)
        fold.add(Entry(t=3.0, event=RequestFinished(request_id=name, reason="stop", metrics=metrics)))
    return fold


def test_a_report_reads_back_and_has_every_key_of_the_contract(fold: Fold, tmp_path: Path) -> None:
    trust = build_trust(fold, n=2, formulas=["TTFT"], conditions=Conditions(["stopped"]))
    report = build_report("code", fold, {"tasks": 2}, [Passed("t/1", True), Passed("t/2", False)], trust, model="m")
    write_report(report, tmp_path / "result.json")
    assert msgspec.json.decode((tmp_path / "result.json").read_bytes(), type=Report) == report
    written = json.loads((tmp_path / "result.json").read_text())
    assert list(written)[:7] == ["suite", "model", "options", "effective", "totals", "items", "trust"]
    assert set(written) - set(list(written)[:7]) == {"speed", "engine"}
    assert written["items"][1] == {"task": "t/2", "passed": False}
    assert written["options"]["max_batch"] == "4" and written["effective"]["attention"] == "prefill math, decode math"


def test_trust_says_what_is_not_as_requested_and_what_the_cache_served(fold: Fold) -> None:
    trust = build_trust(fold, n=2, formulas=["TPS"])
    assert trust.differs == {"attention": "no flash kernel here"}
    assert trust.prefix_hit == 30 / 80
    assert trust.formulas == {"TPS": FORMULAS["TPS"]}
    assert trust.throttled is None and trust.other_processes is None
    assert trust_line(trust).endswith("prefix hits 38 %   throttled –   others on the GPU –")


def test_a_prefix_hit_needs_a_request_that_ended() -> None:
    assert prefix_hit(Fold().metrics) is None
