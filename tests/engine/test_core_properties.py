"""The loop under random load: whatever the policy, limits and room, every request gets the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.scheduler import Limits
from playground.engine.speculation import NgramIndex
from tests.engine.fake_runner import digest, expected
from tests.engine.harness import Harness

PROFILE = settings(max_examples=150, deadline=None, derandomize=True)
SIZE = 4


@dataclass(frozen=True)
class Load:
    """One request."""

    name: str
    prompt: list[int]
    max_tokens: int
    delay_s: float
    ignore_eos: bool

    @property
    def answer(self) -> list[int]:
        return expected(self.prompt, self.max_tokens, self.ignore_eos)

    @property
    def blocks(self) -> int:
        return -(-(len(self.prompt) + self.max_tokens) // SIZE)


PREFIXES = ([], [1] * 5, [1] * 8, [1] * 5 + [2] * 9)
limits = st.builds(
    Limits, policy=st.sampled_from(["continuous", "static"]), slots=st.integers(1, 5), token_budget=st.integers(1, 40)
)


@st.composite
def loads(draw: st.DrawFn) -> list[Load]:
    """Up to eight requests, some with a common start."""
    return [
        Load(
            name=str(index),
            prompt=draw(st.sampled_from(PREFIXES)) + draw(st.lists(st.integers(1, 3), min_size=1, max_size=12)),
            max_tokens=draw(st.integers(1, 14)),
            delay_s=draw(st.sampled_from([0.0, 0.0, 1.0, 6.0, 30.0])),
            ignore_eos=draw(st.booleans()),
        )
        for index in range(draw(st.integers(1, 8)))
    ]


def submit(harness: Harness, requests: list[Load]) -> None:
    for load in requests:
        harness.submit(
            load.name, load.prompt, load.max_tokens, delay_s=load.delay_s, ignore_eos=load.ignore_eos, stop=[]
        )


def answered(harness: Harness, load: Load) -> bool:
    ended = harness.finished(load.name)
    assert ended and ended.metrics.output_tokens == len(harness.tokens(load.name))
    return harness.tokens(load.name) == load.answer and ended.reason in ("stop", "length")


@PROFILE
@given(loads(), limits, st.sampled_from([0, 0, 1, 3, 1000]), st.booleans())
def test_the_tokens_depend_on_no_policy_chunking_batch_or_room(requests, limits, spare, caching):
    # With no spare block the longest request fits just alone, and the others are preempted again and again.
    harness = Harness(limits, blocks=max(load.blocks for load in requests) + spare, size=SIZE)
    harness.runner.blocks.prefix_cache = caching
    submit(harness, requests)
    harness.drain()
    assert all(answered(harness, load) for load in requests)
    assert harness.runner.blocks.used == 0


@PROFILE
@given(loads(), limits, st.sampled_from([0, 1, 3, 1000]), st.integers(1, 9), st.booleans())
def test_no_draft_changes_a_token_or_leaves_a_block(requests, limits, spare, drafts, within_blocks):
    limits = Limits("continuous", limits.slots, limits.token_budget, drafts)
    harness = Harness(limits, blocks=max(load.blocks for load in requests) + spare, size=SIZE)
    harness.runner.splits_at_blocks = within_blocks
    submit(harness, requests)
    with patch.object(NgramIndex, "propose", half_right):
        harness.drain()
    assert all(answered(harness, load) for load in requests)
    assert harness.runner.blocks.used == 0
    works = [slot for step in harness.steps for slot in step.slots if slot.speculated]
    assert all(slot.accepted <= slot.speculated == slot.tokens - 1 <= drafts for slot in works)
    if not any(step.preempted for step in harness.steps):
        generated = sum(len(harness.tokens(load.name)) for load in requests)
        decodes = [slot for step in harness.steps for slot in step.slots if slot.phase == "decode"]
        assert generated == len(requests) + sum(1 + slot.accepted for slot in decodes)


def half_right(_: NgramIndex, ids: Sequence[int], most: int) -> list[int]:
    """Drafts that are wrong now and then, at any position."""
    if not ids or most < 1:
        return []
    true, wrong = expected(list(ids), most, ignore_eos=True), digest(len(ids), ids[-1])
    return [*true[: wrong % 12], *[1 + wrong % 3] * most][:most]


@PROFILE
@given(loads(), limits, st.sampled_from([0, 2, 1000]))
def test_first_come_first_served(requests, limits, spare):
    harness = Harness(limits, blocks=max(load.blocks for load in requests) + spare, size=SIZE)
    submit(harness, requests)
    harness.drain()
    arrived = sorted(requests, key=lambda load: load.delay_s)
    started = [harness.first_seen(load.name) for load in arrived]
    assert started == sorted(started)


@PROFILE
@given(loads(), limits)
def test_static_admits_only_into_an_empty_batch_and_holds_its_rows_to_the_end(requests, limits):
    limits = Limits("static", limits.slots, limits.token_budget)
    harness = Harness(limits, blocks=1000, size=SIZE)
    submit(harness, requests)
    harness.drain()
    ended_in = {name: step.index for step in harness.steps for name in step.finished}
    batch: set[str] = set()
    over = True
    for step in harness.steps:
        seen = {slot.request_id for slot in step.slots if slot.request_id}
        assert over or seen <= batch
        batch = seen if over else batch
        over = all(ended_in[name] <= step.index for name in batch)
        held = {slot.request_id for slot in step.slots if slot.phase == "held"}
        ended = {name for name in batch if ended_in[name] < step.index}
        assert held >= ended
        assert held == ended or sum(slot.tokens for slot in step.slots) == limits.token_budget


action = st.one_of(
    limits.map(lambda new: ("limits", new)),
    st.integers(0, 7).map(lambda index: ("abort", str(index))),
    st.sampled_from([("cache", True), ("cache", False), ("reseed", None), ("preempt", None)]),
    st.just(("step", None)),
)


@PROFILE
@given(loads(), limits, st.sampled_from([0, 2, 1000]), st.lists(action, max_size=30))
def test_switches_aborts_and_preemptions_in_mid_run_lose_nothing(requests, limits, spare, actions):
    harness = Harness(limits, blocks=max(load.blocks for load in requests) + spare, size=SIZE)
    submit(harness, requests)
    for kind, value in actions:
        match kind:
            case "limits":
                harness.core.limits = value
            case "abort":
                harness.core.abort(value)
                assert all(request.request_id != value for request in harness.core.running)
            case "cache":
                harness.runner.blocks.prefix_cache = value
            case "reseed":
                harness.runner.blocks.reseed("other")
            case "preempt":
                harness.core.preempt(harness.core.running[-2:])
        if harness.core.busy:
            harness.step()
    harness.drain()
    for load in requests:
        if harness.finished(load.name).reason == "abort":
            assert harness.tokens(load.name) == load.answer[: len(harness.tokens(load.name))]
        else:
            assert answered(harness, load)
    assert harness.runner.blocks.used == 0
