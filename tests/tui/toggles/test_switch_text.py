"""The measured effect of a switch: from steps close to it, and no verdict if the contexts differ."""

from __future__ import annotations

import pytest

from playground.engine.capabilities import report
from playground.protocol.capabilities import Capabilities
from playground.protocol.events import OptionsApplied
from playground.protocol.metrics import Memory
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions
from playground.protocol.steps import SlotWork, Step
from playground.tui.state.decode_meter import GROUP, NEAR_GROUPS, DecodeMeter
from playground.tui.state.state import State
from playground.tui.state.switch import Switch
from playground.tui.toggles.rows import candidate
from playground.tui.toggles.switch_text import changes, expected, measured

FACTS = ModelFacts(
    name="tiny", path="/tiny", architecture="llama", parameters=1, weights_bytes=1, dtype="bfloat16", device="cpu",
    layers=4, vocabulary=1, context=1, kv_bytes_per_token=2048, key_width=512, value_heads=8,
)  # fmt: skip


def decode(meter: DecodeMeter, names: str, steps: int, seconds: float, first: int = 0) -> None:
    slots = [SlotWork(request_id=name, phase="decode", tokens=1) for name in names]
    for index in range(steps):
        meter.add(Step(index=first + index, start=index * seconds, seconds=seconds, slots=slots))


def prefill(meter: DecodeMeter, name: str, tokens: int) -> None:
    slots = [SlotWork(request_id=name, phase="prefill", tokens=tokens)]
    meter.add(Step(index=-9, start=0.0, seconds=0.01, slots=slots))


def said(
    before: DecodeMeter, after: DecodeMeter, was: int = 10, now: int = 10, running: bool = True, width: int = 44
) -> str:
    applied = OptionsApplied(
        changed=["kv_cache"], requested=EngineOptions(kv_cache="int8"), effective={},
        before=Memory(kv_used=was), after=Memory(kv_used=now),
    )  # fmt: skip
    return "\n".join(line.plain for line in measured(Switch(applied, EngineOptions(), before, after), running, width))


def test_what_is_far_from_the_switch_is_no_part_of_it() -> None:
    before = DecodeMeter()
    decode(before, "a", 400, 0.01)
    decode(before, "a", NEAR_GROUPS * GROUP + 1, 0.02, first=1000)
    after = DecodeMeter(before.contexts)
    decode(after, "a", NEAR_GROUPS * GROUP + 1, 0.04, first=2000)
    decode(after, "a", 400, 0.01, first=3000)
    near = NEAR_GROUPS * GROUP
    assert said(before, after) == f"TPS     50.0 ▸ 25.0  ▼ 50 %\n        ±0 %, n {near} and {near}"


def test_another_request_is_named() -> None:
    before, after = DecodeMeter(), DecodeMeter()
    decode(before, "a", 60, 0.01)
    decode(after, "b", 60, 0.005)
    assert said(before, after).endswith("n 56 and 56, another request") and "▲ 100 %" in said(before, after)


def test_what_is_not_known_says_what_is_missing() -> None:
    before, after = DecodeMeter(), DecodeMeter()
    decode(before, "a", 60, 0.01)
    decode(after, "a", 2 * GROUP + 1, 0.005)
    assert said(before, after) == "TPS     100 ▸ –  8 more steps"
    assert said(before, after, running=False) == "TPS     100 ▸ –  too few tokens after"
    decode(after, "a", 60, 0.005, first=100)
    assert said(DecodeMeter(), after) == "TPS     – ▸ 200  too few tokens before"


def test_another_number_of_requests_leaves_the_question_open() -> None:
    before, after = DecodeMeter(), DecodeMeter()
    decode(before, "a", 60, 0.01)
    decode(after, "ab", 60, 0.02)
    assert said(before, after).startswith("TPS     100 ▸ 50.0  ? 1 ▸ 2 at a time\n")
    decode(after, "a", 30, 0.01, first=100)
    assert said(before, after).startswith("TPS     100 ▸ 100  = within the spread\n"), "as many as before"


def test_another_context_leaves_the_question_open() -> None:
    before = DecodeMeter()
    prefill(before, "a", 5000)
    decode(before, "a", 60, 0.015)
    after = DecodeMeter(before.contexts)
    prefill(after, "b", 500)
    decode(after, "b", 60, 0.01, first=100)
    assert "66.7 ▸ 100  ? context 5\u2009033 ▸ 533" in said(before, after) and "▲" not in said(before, after)


def test_what_is_computed_again_is_not_counted_twice() -> None:
    meter = DecodeMeter()
    prefill(meter, "a", 500)
    meter.add(Step(index=0, start=0.0, seconds=0.01, slots=[], preempted=["a"]))
    prefill(meter, "a", 510)
    assert meter.contexts["a"] == 510


def test_kv_that_is_computed_again_is_not_said_to_be_gone() -> None:
    assert "KV" not in said(DecodeMeter(), DecodeMeter(), was=1000, now=0)
    assert "KV" in said(DecodeMeter(), DecodeMeter(), was=1000, now=500)


def forecast(name: str, now: str, then: str) -> str:
    state = State()
    state.facts, state.toggles.effective = FACTS, {name: now}
    state.capabilities = Capabilities(engine="transformers", toggles=report(lambda _name, _value: ""))
    return expected(candidate(state, name, then).forecast).plain


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        ("model", "int8", "KV ▼ 1.83x  TTFT ▲  TPS ▼  quality ▼"),
        ("int8", "model", "KV ▲ 1.83x  TTFT ▼  TPS ▲  quality ▲"),
        ("int4", "int8", "KV ▲ 1.89x  TTFT =  TPS =  quality ="),
        ("model (from int2)", "int2", "KV ▼ 6.09x  TTFT ▲  TPS ▼  quality ▼▼"),
    ],
)
def test_a_switch_of_the_cache_is_foretold_against_what_runs(now: str, then: str, said: str) -> None:
    assert forecast("kv_cache", now, then) == said


def test_a_switch_back_is_foretold_as_the_reverse() -> None:
    assert forecast("weights", "model", "int8") == "memory ▼  TTFT ▲  TPS ▼  quality ▼"
    assert forecast("weights", "int8", "model") == "memory ▲  TTFT ▼  TPS ▲  quality ▲"
    assert forecast("attention", "flash-varlen + sdpa-flash", "eager") == "memory ▲  TTFT ▲▲  TPS ▼  quality ="
    assert forecast("attention", "eager", "sdpa-flash") == "memory ▼  TTFT ▼▼  TPS ▲  quality ="
    assert forecast("compile", "on (+2 graphs)", "off") == "memory =  TTFT =  TPS ▼  quality ="


@pytest.mark.parametrize(
    ("name", "now", "then"),
    [("block_size", "32", "64"), ("attention", "eager", "auto"), ("attention", "CPU_ATTN", "eager")],
)
def test_what_cannot_be_foretold_is_not_drawn_as_the_same(name: str, now: str, then: str) -> None:
    assert forecast(name, now, then) == "no forecast: it depends on what runs, and is measured"


def test_in_a_narrow_panel_no_figure_is_cut() -> None:
    before, after = DecodeMeter(), DecodeMeter()
    decode(before, "ab", 60, 0.01)
    decode(after, "ab", 60, 0.01)
    narrow = said(before, after, was=1310720, now=746600, width=30).splitlines()
    assert narrow == [
        "KV      ▼ 1.76x ▸ 0.712 MiB",
        "TPS     100 ▸ 100",
        "= within the spread",
        "±0 %, n 56 and 56, 2 at a time",
    ]
    applied = OptionsApplied(
        changed=["kv_cache"], requested=EngineOptions(kv_cache="int8"), effective={}, seconds=0.0175
    )
    told = [line.plain for line in changes(Switch(applied, EngineOptions()), 30)]
    assert told == ["kv_cache model ▸ int8", "in 17.5 ms"]
