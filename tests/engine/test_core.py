"""The loop by example: refusals, holding, switches, aborts, delays, metrics."""

from __future__ import annotations

import pytest

from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.engine.scheduler import Limits
from playground.protocol.events import RequestQueued, TokensGenerated
from tests.engine.fake_runner import END, expected
from tests.engine.harness import Harness


def phases(harness: Harness, name: str) -> str:
    """One letter a step: what the request did, a point where it was not in a slot."""
    found = []
    for step in harness.steps:
        slot = next((slot for slot in step.slots if slot.request_id == name), None)
        found.append(slot.phase[0] if slot else ".")
    return "".join(found)


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "message"),
    [
        ([], 4, "the prompt is empty"),
        ([1] * 400, 4, "the prompt has 400 tokens and the model's context is 400"),
        ([1], 0, "max_tokens must be at least 1"),
        ([1] * 9, 4, "9 prompt + 4 new tokens need 4 KV blocks and there are 3; raise kv_blocks or lower max tokens"),
        ([1] * 13, 1, "13 prompt + 1 new tokens need 4 KV blocks and there are 3"),
    ],
)
def test_what_can_never_be_served_ends_at_once_with_the_numbers(prompt, max_tokens, message):
    harness = Harness(blocks=3)
    harness.submit("a", prompt, max_tokens)
    ended = harness.finished("a")
    assert ended and ended.reason == "error" and message in ended.message
    assert not harness.core.busy


def test_a_request_that_just_fits_is_served():
    harness = Harness(blocks=3)
    harness.submit("a", [1] * 9, 3, ignore_eos=True)
    harness.drain()
    assert harness.tokens("a") == expected([1] * 9, 3, ignore_eos=True)


def test_the_context_bounds_the_answer():
    harness = Harness(context=12)
    harness.submit("a", [1] * 9, 100, ignore_eos=True)
    harness.drain()
    assert len(harness.tokens("a")) == 3 and harness.finished("a").reason == "length"


def test_a_second_request_of_the_same_name_is_refused_and_the_first_goes_on():
    harness = Harness()
    harness.submit("a", [1], 5, ignore_eos=True)
    harness.submit("a", [2], 5)
    assert "already here" in harness.events[-1].message
    harness.events.clear()
    harness.drain()
    assert harness.tokens("a") == expected([1], 5, ignore_eos=True)


def test_eos_stops_and_is_an_ordinary_token_where_it_is_ignored():
    prompt = next([n] for n in range(2000) if END in expected([n], 6)[1:4])
    harness = Harness()
    harness.submit("a", prompt, 20)
    harness.submit("b", prompt, 20, ignore_eos=True)
    harness.drain()
    assert harness.tokens("a")[-1] == END and harness.finished("a").reason == "stop"
    assert len(harness.tokens("b")) == 20 and harness.finished("b").reason == "length"
    assert harness.tokens("b")[: len(harness.tokens("a"))] == harness.tokens("a")


def test_a_stop_string_ends_the_request_and_is_not_in_its_text():
    tokens = expected([7], 10, ignore_eos=True)
    harness = Harness()
    harness.submit("a", [7], 10, ignore_eos=True, stop=[f" {tokens[4]} "])
    harness.drain()
    assert harness.text("a") == " ".join(map(str, tokens[:4])) and harness.finished("a").reason == "stop"
    assert len(harness.tokens("a")) == 5


def test_text_held_back_for_a_stop_string_comes_with_the_end():
    tokens = expected([7], 3, ignore_eos=True)
    harness = Harness()
    harness.submit("a", [7], 3, ignore_eos=True, stop=[f"{tokens[-1]} and more"])
    harness.drain()
    assert harness.text("a") == "".join(f"{token} " for token in tokens)


def test_static_holds_ended_rows_and_admits_when_the_last_has_ended():
    harness = Harness(Limits("static", slots=2))
    for name, length in (("a", 2), ("b", 5), ("c", 1)):
        harness.submit(name, [1, 2], length, ignore_eos=True)
    harness.drain()
    assert phases(harness, "a") == "pdhhh."
    assert phases(harness, "b") == "pdddd."
    assert phases(harness, "c") == ".....p"
    assert [step.finished for step in harness.steps] == [[], ["a"], [], [], ["b"], ["c"]]


def test_continuous_fills_a_slot_in_the_step_after_its_row_ended():
    harness = Harness(Limits(slots=2))
    for name, length in (("a", 2), ("b", 5), ("c", 1)):
        harness.submit(name, [1, 2], length, ignore_eos=True)
    harness.drain()
    assert phases(harness, "a") == "pd..." and phases(harness, "b") == "pdddd" and phases(harness, "c") == "..p.."
    assert [step.waiting for step in harness.steps] == [["c"], ["c"], [], [], []]


def test_switching_from_static_to_continuous_lets_held_rows_go_and_admits_at_once():
    harness = Harness(Limits("static", slots=2))
    for name, length in (("a", 1), ("b", 6), ("c", 2)):
        harness.submit(name, [1, 2], length, ignore_eos=True)
    for _ in range(3):
        harness.step()
    harness.core.limits = Limits("continuous", slots=2)
    harness.drain()
    assert phases(harness, "a") == "phh..." and phases(harness, "c") == "...pd."


@pytest.mark.parametrize("policy", ["continuous", "static"])
@pytest.mark.parametrize("after", range(6))
def test_abort_at_any_moment_frees_every_block_before_the_next_step(policy, after):
    harness = Harness(Limits(policy, slots=2, token_budget=5))
    for name in "abc":
        harness.submit(name, [1] * 12, 4, ignore_eos=True)
    harness.submit("late", [1], 4, delay_s=1000)
    for _ in range(after):
        harness.step()
    harness.core.abort(None)
    assert harness.runner.blocks.used == 0
    assert [harness.finished(name).reason for name in ("a", "b", "c", "late")] == ["abort"] * 4
    assert not harness.core.busy and harness.core.next_arrival is None


def test_a_row_aborted_under_static_is_neither_held_nor_replaced():
    harness = Harness(Limits("static", slots=2, token_budget=4))
    for name in "abc":
        harness.submit(name, [1] * 6, 3, ignore_eos=True)
    harness.step()
    harness.core.abort("a")
    harness.drain()
    assert phases(harness, "a")[1:].strip(".") == ""
    assert harness.first_seen("c") > harness.steps[-1].index - 4
    assert harness.tokens("b") == harness.tokens("c") == expected([1] * 6, 3, ignore_eos=True)


def test_a_failure_ends_everything_with_its_reason_delayed_requests_too():
    harness = Harness(Limits(slots=1))
    for name, delay in (("a", 0), ("b", 0), ("c", 50)):
        harness.submit(name, [1], 9, delay_s=delay, ignore_eos=True)
    harness.step()
    harness.core.fail("out of memory")
    assert {(harness.finished(n).reason, harness.finished(n).message) for n in "abc"} == {("error", "out of memory")}
    assert harness.runner.blocks.used == 0 and not harness.core.busy


@pytest.mark.parametrize("policy", ["continuous", "static"])
def test_fewer_blocks_than_a_request_needs_end_it_with_the_numbers_and_the_others_go_on(policy):
    harness = Harness(Limits(policy, slots=3))
    harness.submit("long", [1] * 10, 30, ignore_eos=True)
    harness.submit("short", [1] * 3, 5, ignore_eos=True)
    for _ in range(3):
        harness.step()
    harness.core.preempt(list(harness.core.running))
    harness.runner.blocks = BlockManager(3, 4)
    harness.drain()
    assert "need 10 KV blocks and there are 3" in harness.finished("long").message
    assert harness.tokens("short") == expected([1] * 3, 5, ignore_eos=True)


def test_preempting_a_batch_lets_held_rows_go_and_queues_the_rest_by_arrival():
    harness = Harness(Limits("static", slots=3))
    harness.submit("late", [1], 6, delay_s=0.5, ignore_eos=True)
    harness.submit("ended", [2], 1, ignore_eos=True)
    harness.submit("early", [3], 6, ignore_eos=True)
    harness.clock.now = 0.5
    harness.step()
    harness.core.preempt(list(harness.core.running))
    assert [request.request_id for request in harness.core.waiting] == ["early", "late"]
    harness.drain()
    assert harness.tokens("late") == expected([1], 6, ignore_eos=True)


def test_delayed_requests_arrive_in_order_of_time_and_their_clock_starts_then():
    harness = Harness(Limits(slots=1))
    for name, delay in (("a", 7), ("b", 3), ("c", 0)):
        harness.submit(name, [1], 1, delay_s=delay)
    harness.drain()
    assert [harness.first_seen(name) for name in "abc"] == [2, 1, 0]
    assert [harness.finished(name).metrics.ttft_s for name in "abc"] == [1.0, 1.0, 1.0]


def test_prefix_hits_are_counted_in_tokens_and_a_preempted_request_does_not_count_itself():
    harness = Harness(Limits(slots=2))
    harness.submit("a", [1] * 9, 1)
    harness.drain()
    harness.submit("b", [1] * 9, 6, ignore_eos=True)
    harness.submit("c", [2] * 9, 6, ignore_eos=True)
    harness.step()
    harness.core.preempt(list(harness.core.running))
    harness.drain()
    metrics = {name: harness.finished(name).metrics for name in "abc"}
    assert [metrics[name].cached_tokens for name in "abc"] == [0, 8, 0]
    assert [metrics[name].preemptions for name in "abc"] == [0, 1, 1]


def test_blocks_under_other_weights_are_not_served_to_a_new_request():
    harness = Harness()
    harness.submit("a", [1] * 9, 2, ignore_eos=True)
    harness.drain()
    harness.runner.weights = 7
    harness.runner.blocks.reseed("other weights")
    harness.submit("b", [1] * 9, 4, ignore_eos=True)
    harness.drain()
    assert harness.tokens("b") == expected([1] * 9, 4, ignore_eos=True, weights=7)


def test_another_loop_takes_over_requests_without_losing_a_token():
    old = Harness(Limits(slots=2))
    for name, delay in (("a", 0), ("b", 0), ("c", 9)):
        old.submit(name, [ord(name)] * 5, 8, delay_s=delay, ignore_eos=True)
    for _ in range(4):
        old.step()
    new = Harness(Limits(slots=2))
    new.runner._clock, new.clock, new.events = old.clock, old.clock, old.events
    new.core = EngineCore(new.runner, new.events.append, new.clock)
    new.core.adopt(old.core)
    new.drain()
    for name in "abc":
        assert new.tokens(name) == expected([ord(name)] * 5, 8, ignore_eos=True)
    assert [step.index for step in new.steps] == list(range(len(new.steps)))


def test_what_another_loop_had_not_told_yet_is_told_by_the_one_that_takes_over():
    old = Harness(Limits(slots=2))
    for name in "ab":
        old.submit(name, [ord(name)] * 5, 8, ignore_eos=True)
    old.step()
    old.core.abort("a")
    new = Harness(Limits(slots=2))
    new.core.adopt(old.core)
    assert new.core.kv_peak == old.core.kv_peak > 0
    step = new.step()
    assert (step.finished, step.preempted) == (["a"], ["b"])


def test_a_preemption_between_two_steps_is_told_by_the_next_one():
    harness = Harness(Limits(slots=2))
    harness.submit("a", [1] * 5, 8, ignore_eos=True)
    harness.step()
    harness.core.preempt(list(harness.core.running))
    assert [harness.step().preempted for _ in range(2)] == [["a"], []]
    assert harness.core.running[0].preemptions == 1


def test_where_slots_become_fewer_the_rows_that_stay_close_up():
    harness = Harness(Limits(slots=4))
    for name, tokens in (("a", 2), ("b", 2), ("c", 2), ("d", 9)):
        harness.submit(name, [ord(name)], tokens, ignore_eos=True)
    for _ in range(3):
        harness.step()
    harness.core.limits = Limits(slots=1)
    assert [slot.request_id for slot in harness.step().slots] == ["d"]
    harness.drain()
    assert harness.tokens("d") == expected([ord("d")], 9, ignore_eos=True)


@pytest.mark.parametrize("drafts", [0, 3])
def test_a_request_whose_numbers_are_not_finite_ends_alone(drafts, monkeypatch):
    harness = Harness(Limits(slots=2, drafts=drafts))
    compute = harness.runner._compute
    monkeypatch.setattr(harness.runner, "_compute", lambda work: [] if broken(work) else compute(work))
    for name in "ab":
        harness.submit(name, [ord(name)] * 5, 8, ignore_eos=True)
    harness.drain()
    assert harness.finished("a").reason == "error" and "not finite" in harness.finished("a").message
    assert harness.tokens("a") == expected([ord("a")] * 5, 3, ignore_eos=True)
    assert harness.tokens("b") == expected([ord("b")] * 5, 8, ignore_eos=True)


def broken(work):
    return work.request.request_id == "a" and len(work.request.output_ids) == 3


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"temperature": -1.0}, "temperature must be 0 or more"),
        ({"temperature": float("nan")}, "temperature must be 0 or more"),
        ({"top_k": -1}, "top_k must be 0"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"min_p": 2.0}, "min_p must be from 0 to 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty must be above 0"),
        ({"seed": 2**64}, "seed must fit in 64 bits"),
    ],
)
def test_sampling_that_no_row_could_have_is_refused(sampling, message):
    harness = Harness()
    harness.submit("a", [1], 4, **sampling)
    assert harness.finished("a").reason == "error" and message in harness.finished("a").message


def test_a_request_that_waited_for_a_load_shows_the_load_apart():
    harness = Harness()
    harness.clock.now = 5.0
    harness.core = EngineCore(harness.runner, harness.events.append, harness.clock)
    harness.clock.now = 2.0
    harness.submit("a", [1], 1)
    harness.clock.now = 6.0
    harness.drain()
    metrics = harness.finished("a").metrics
    assert (metrics.load_s, metrics.queue_s, metrics.prefill_s, metrics.ttft_s) == (3.0, 1.0, 1.0, 5.0)


def test_the_moment_of_submission_is_told_before_any_work():
    harness = Harness()
    harness.clock.now = 5.0
    harness.submit("a", [1], 3, delay_s=2.0)
    assert harness.events == [RequestQueued(request_id="a", submitted=7.0, prompt_tokens=1)]
    harness.drain()
    first = next(event.times[0] for event in harness.events if isinstance(event, TokensGenerated))
    assert harness.finished("a").metrics.ttft_s == first - 7.0
