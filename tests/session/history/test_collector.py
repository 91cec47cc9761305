"""One submission, one run: with the numbers that the engine told, and what a reader must know before comparing."""

from __future__ import annotations

import pytest

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import ChatMessage, GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit
from playground.protocol.events import (
    ModelLoaded,
    OptionsApplied,
    RequestFinished,
    StepsExecuted,
    TokensGenerated,
    WorkerReady,
)
from playground.protocol.metrics import Memory, RequestMetrics
from playground.protocol.options import EngineOptions, as_text
from playground.protocol.steps import SlotWork, Step
from playground.session.history.collector import Collector
from playground.session.history.run import Run
from tests.model_facts import TINY_CODER

READY = WorkerReady(
    pid=1, role="engine", clock=0.0, capabilities=Capabilities(engine="transformers", versions={"torch": "2.13"})
)
LOADED = ModelLoaded(facts=TINY_CODER, capabilities=READY.capabilities)


def applied(options: EngineOptions, changed=(), **fields) -> OptionsApplied:
    fields = {"after": Memory(weights=7, process=99), "effective": as_text(options)} | fields
    return OptionsApplied(changed=list(changed), requested=options, **fields)


def finished(name: str, reason="stop", **metrics) -> RequestFinished:
    return RequestFinished(
        request_id=name, reason=reason, metrics=RequestMetrics(**{"prompt_tokens": 10, "output_tokens": 3} | metrics)
    )


def tokens(name: str, *times: float) -> TokensGenerated:
    return TokensGenerated(request_id=name, token_ids=[1] * len(times), times=list(times), text="x")


def step(*names: str, kv_bytes: int = 0) -> StepsExecuted:
    slots = [SlotWork(request_id=name, phase="decode", tokens=1) for name in names]
    return StepsExecuted(steps=[Step(index=0, start=0.0, seconds=0.1, slots=slots, kv_bytes=kv_bytes)])


def submit(*names: str, **fields) -> Submit:
    return Submit(
        requests=[GenerationRequest(request_id=name, **fields or {"prompt": f"prompt {name}"}) for name in names]
    )


@pytest.fixture
def kept() -> list[Run]:
    return []


@pytest.fixture
def collector(kept) -> Collector:
    collector = Collector(kept.append, lambda command: "chat", clock=lambda: 123.0)
    collector.add(READY)
    collector.add(LoadModel(model="/models/tiny-coder", options=EngineOptions(kv_cache="int8")))
    collector.add(LOADED)
    collector.add(applied(EngineOptions(kv_cache="int8")))
    return collector


def test_a_request_becomes_a_run_as_it_ends(collector, kept):
    sampling = SamplingParams(temperature=0.5)
    collector.add(submit("A", messages=[ChatMessage("user", "add\n two  numbers")], sampling=sampling))
    collector.add(step("A", kv_bytes=512))
    collector.add(tokens("A", 1.0, 1.5, 2.0))
    assert kept == []
    collector.add(finished("A", ttft_s=0.5, decode_tps=2.0, cached_tokens=5))
    (run,) = kept
    assert (run.kind, run.at, run.model, run.engine, run.model_path) == (
        "chat",
        123.0,
        "tiny-coder",
        "transformers",
        "/models/tiny-coder",
    )
    assert (run.title, run.prompt, run.chat) == ("add two numbers", "add\n two  numbers", True)
    assert run.sampling == sampling
    assert run.options == {"kv_cache": "int8"} and run.effective["kv_cache"] == "int8"
    assert (run.ttft_s, run.tps, run.seconds, run.output_tokens, run.requests) == (0.5, 2.0, 1.5, 3, 1)
    assert (run.memory_bytes, run.kv_bytes, run.weights_bytes) == (99, 512, 7)
    assert run.flags == ["prefix 50 %"] and run.versions == {"torch": "2.13"} and run.system_tps is None


def test_many_requests_of_one_command_are_one_run(collector, kept):
    collector.add(submit("A", "B", "C"))
    for name, ttft, rate in (("A", 0.1, 10.0), ("B", 0.2, 20.0), ("C", 0.6, None)):
        collector.add(tokens(name, 1.0, 3.0))
        collector.add(finished(name, ttft_s=ttft, decode_tps=rate))
    (run,) = kept
    assert (run.requests, run.ttft_s, run.tps, run.output_tokens) == (3, 0.2, 15.0, 6)
    assert run.system_tps == pytest.approx(6 / (3.0 - 0.4)) and run.title == "prompt A + 2 more"


def test_requests_of_different_sampling_have_none_to_bring_back(collector, kept):
    lengths = (SamplingParams(max_tokens=length) for length in (8, 9))
    requests = [GenerationRequest(request_id=f"A{each.max_tokens}", prompt="x", sampling=each) for each in lengths]
    collector.add(Submit(requests=requests))
    for request in requests:
        collector.add(finished(request.request_id))
    assert kept[0].sampling is None


def test_what_weakens_a_number_is_flagged(collector, kept):
    collector.add(submit("A"))
    collector.add(submit("B"))
    collector.add(step("A", "B"))
    collector.add(tokens("A", 1.0))
    collector.add(SetOptions(changes={"attention": "sdpa-flash"}))
    options = EngineOptions(attention="sdpa-flash")
    effective = as_text(options) | {"attention": "eager", "kv_blocks": "8192"}
    reasons = {"attention": "eager alone reads codes", "kv_blocks": "the budget holds so many"}
    collector.add(applied(options, ["attention"], effective=effective, reasons=reasons))
    collector.add(finished("A", "abort", load_s=3.0, preemptions=1))
    (run,) = kept
    assert run.flags == ["cold", "beside 1", "switched attention", "attention is eager", "preempted", "abort"]


def test_what_disturbs_a_run_is_flagged_on_whatever_runs_then(collector, kept):
    collector.add(submit("A"))
    collector.add_disturbance(throttled=True, other_processes=1)
    collector.add_disturbance(throttled=False, other_processes=2)
    collector.add(submit("B"))
    collector.add_disturbance(throttled=False, other_processes=0)
    collector.add(submit("C"))
    for name in "ABC":
        collector.add(finished(name))
    assert [run.flags for run in kept] == [["throttled", "GPU shared with 2"], ["GPU shared with 2"], []]


def test_a_switch_before_the_first_token_is_just_the_options(collector, kept):
    collector.add(submit("A"))
    collector.add(applied(EngineOptions(), ["kv_cache"]))
    collector.add(tokens("A", 1.0))
    collector.add(finished("A"))
    assert kept[0].options == {} and kept[0].flags == []


def test_what_is_nobodys_run_is_not_kept(kept):
    collector = Collector(kept.append, lambda command: "")
    collector.add(submit("A"))
    collector.add(tokens("A", 1.0))
    collector.add(finished("A"))
    collector.add(finished("never asked for"))
    assert kept == []
