"""Single decisions of the policies."""

from __future__ import annotations

import pytest

from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.engine.scheduler import Limits, StepPlan, schedule
from playground.protocol.commands import SamplingParams
from playground.protocol.timing import RequestTimer

SIZE = 4


def waiting(name: str, length: int) -> Request:
    return Request(name, [ord(name)] * length, SamplingParams(), RequestTimer(0.0))


def running(blocks: BlockManager, name: str, length: int, computed: int | None = None) -> Request:
    """A request in decode, or as far as `computed`."""
    request = waiting(name, length)
    if computed is None:
        computed = length
        request.output_ids.append(1)
    blocks.grow(request, computed)
    request.computed = computed
    return request


def worked(plan: StepPlan) -> list[tuple[str, int, bool]]:
    return [(work.request.request_id, work.tokens, work.decode) for work in plan.works]


def names(requests: list[Request]) -> str:
    return "".join(request.request_id for request in requests)


def test_decodes_come_before_prefills_and_the_budget_cuts_the_last_prefill():
    blocks = BlockManager(32, SIZE)
    batch = [running(blocks, "a", 20, computed=4), running(blocks, "b", 5)]
    plan = schedule([waiting("c", 9)], batch, Limits(token_budget=12), blocks)
    assert worked(plan) == [("b", 1, True), ("a", 11, False)]
    plan = schedule([waiting("c", 9)], batch, Limits(token_budget=20), blocks)
    assert worked(plan) == [("b", 1, True), ("a", 16, False), ("c", 3, False)]


def test_a_head_that_does_not_fit_is_not_overtaken():
    blocks = BlockManager(4, SIZE)
    batch = [running(blocks, "a", 9)]
    plan = schedule([waiting("b", 8), waiting("c", 1)], batch, Limits(), blocks)
    assert plan.admitted == [] and worked(plan) == [("a", 1, True)]


def test_fewer_slots_preempt_the_newest():
    blocks = BlockManager(32, SIZE)
    batch = [running(blocks, name, 5) for name in "abcd"]
    plan = schedule([waiting("e", 1)], batch, Limits(slots=2), blocks)
    assert names(plan.preempted) == "dc" and names([w.request for w in plan.works]) == "ab" and not plan.admitted


def test_out_of_blocks_the_newest_gives_way_and_its_planned_tokens_are_given_back():
    blocks = BlockManager(4, SIZE)
    batch = [running(blocks, "a", 8), running(blocks, "b", 5)]
    plan = schedule([], batch, Limits(), blocks)
    assert names(plan.preempted) == "b" and worked(plan) == [("a", 1, True)]


def test_an_old_prefill_takes_the_blocks_of_a_newer_decode_that_was_planned_first():
    blocks = BlockManager(5, SIZE)
    batch = [running(blocks, "a", 20, computed=8), running(blocks, "b", 8)]
    plan = schedule([], batch, Limits(token_budget=9), blocks)
    assert names(plan.preempted) == "b" and worked(plan) == [("a", 8, False)]


def test_what_two_victims_share_is_free_with_the_second_so_that_the_oldest_goes_on():
    blocks = BlockManager(2, SIZE)
    first = running(blocks, "a", 4)
    second = running(blocks, "b", 4, computed=4)
    blocks.seal(second)
    third = waiting("b", 5)
    assert blocks.adopt(third) == 4
    second.output_ids.append(1)
    third.computed += 1
    plan = schedule([], [first, second, third], Limits(), blocks)
    assert worked(plan) == [("a", 1, True)] and plan.preempted == [third, second]


@pytest.mark.parametrize(("policy", "admitted"), [("continuous", "bc"), ("static", "")])
def test_static_admits_nothing_while_a_row_is_there(policy, admitted):
    blocks = BlockManager(32, SIZE)
    batch = [running(blocks, "a", 5)]
    assert names(schedule([waiting("b", 3), waiting("c", 3)], batch, Limits(policy), blocks).admitted) == admitted


def test_static_holds_finished_rows_and_fills_an_empty_batch_up_to_its_slots():
    blocks = BlockManager(32, SIZE)
    ended, going = running(blocks, "a", 5), running(blocks, "b", 5)
    ended.finished = True
    plan = schedule([waiting("c", 2)], [ended, going], Limits("static"), blocks)
    assert names(plan.held) == "a" and worked(plan) == [("b", 1, True)] and not plan.admitted
    plan = schedule([waiting(name, 2) for name in "cde"], [], Limits("static", slots=2), blocks)
    assert names(plan.admitted) == "cd"


def test_static_fills_its_batch_whatever_the_token_budget():
    blocks = BlockManager(32, SIZE)
    plan = schedule([waiting(name, 6) for name in "abcd"], [], Limits("static", slots=3, token_budget=8), blocks)
    assert names(plan.admitted) == "abc"
    assert worked(plan) == [("a", 6, False), ("b", 2, False)]


def test_planning_changes_nothing():
    blocks = BlockManager(4, SIZE)
    batch, queue = [running(blocks, "a", 8), running(blocks, "b", 5)], [waiting("c", 3)]
    before = [(list(r.table), r.computed) for r in (*batch, *queue)], blocks.free, blocks.cached
    assert schedule(queue, batch, Limits(), blocks) and schedule(queue, batch, Limits(), blocks)
    assert before == ([(list(r.table), r.computed) for r in (*batch, *queue)], blocks.free, blocks.cached)
