"""The simulator predicts what the engine does, step for step."""

from __future__ import annotations

import random

import pytest

from playground.engine.blocks import BlockManager
from playground.engine.scheduler import Limits
from playground.engine.simulator import Arrival, simulate
from playground.protocol.steps import Step
from tests.engine.harness import Harness


def traffic(seed: int, count: int = 24) -> list[Arrival]:
    """Ragged lengths, some arrivals late, some prompts with a common start."""
    draw = random.Random(seed)
    return [
        Arrival(
            request_id=f"r{number}",
            prompt_tokens=draw.randint(9, 40),
            output_tokens=min(60, int(draw.lognormvariate(2.5, 0.8)) + 1),
            at=float(draw.choice([0, 0, 0, 5, 90])),
            shared=draw.choice([0, 8, 9]),
        )
        for number in range(count)
    ]


def membership(steps: list[Step]) -> list[object]:
    """Everything in a step but its bytes."""
    return [
        (s.index, s.start, s.seconds, s.slots, s.waiting, s.finished, s.preempted, s.blocks_used, s.blocks_cached)
        for s in steps
    ]


@pytest.mark.parametrize("policy", ["continuous", "static"])
@pytest.mark.parametrize("blocks", [30, 200])
@pytest.mark.parametrize("seed", range(3))
def test_the_prediction_is_what_the_engine_does(policy, blocks, seed):
    limits, arrivals = Limits(policy, slots=4, token_budget=24), traffic(seed)
    harness = Harness(limits, blocks=blocks)
    for number, arrival in enumerate(arrivals):
        # Ids that agree with others only in the shared part, which the lengths alone do not tell the engine.
        prompt = [1] * arrival.shared + [100 + number] * (arrival.prompt_tokens - arrival.shared)
        harness.submit(arrival.request_id, prompt, arrival.output_tokens, delay_s=arrival.at, ignore_eos=True)
    harness.drain()
    predicted = simulate(arrivals, limits, BlockManager(blocks, 4))
    assert membership(predicted.steps) == membership(harness.steps)
    assert not predicted.refused
    if blocks == 30 and policy == "continuous":
        assert any(step.preempted for step in predicted.steps), "the tight case is tight"


LENGTHS = [Arrival(name, 1, length) for name, length in (("a", 1), ("b", 4), ("c", 3), ("d", 2))]


def test_static_by_hand():
    """a and b take 4 steps, of which a holds its slot for 3; then c and d take 3, of which d holds for 1."""
    predicted = simulate(LENGTHS, Limits("static", slots=2), BlockManager(32, 4))
    assert (len(predicted.steps), predicted.makespan) == (7, 7.0)
    assert predicted.waste == 4 / 14 and predicted.occupancy == 10 / 14


def test_continuous_by_hand():
    """c follows a at once, d follows b and c: 10 tokens in 2 slots need 6 steps, since d starts fifth and runs for
    2."""
    predicted = simulate(LENGTHS, Limits("continuous", slots=2), BlockManager(32, 4))
    assert (len(predicted.steps), predicted.makespan) == (6, 6.0)
    assert predicted.waste == 0 and predicted.occupancy == 10 / 12


def test_a_cost_model_counts_seconds_and_waits_for_arrivals():
    arrivals = [Arrival("a", 10, 3), Arrival("b", 20, 2, at=5.0)]
    predicted = simulate(
        arrivals,
        Limits(),
        BlockManager(32, 4),
        lambda works, held: 0.25 + 0.01 * sum(work.tokens for work in works if not work.decode),
    )
    assert [step.start for step in predicted.steps] == pytest.approx([0.0, 0.35, 0.6, 5.0, 5.45])
    assert predicted.makespan == pytest.approx(5.7)


def test_a_shared_prefix_is_computed_once():
    arrivals = [Arrival("a", 17, 1, shared=16), Arrival("b", 17, 1, at=1.0, shared=16)]
    steps = simulate(arrivals, Limits(), BlockManager(32, 4)).steps
    assert [step.slots[0].tokens for step in steps] == [17, 1]
    steps = simulate(arrivals, Limits(), BlockManager(32, 4, prefix_cache=False)).steps
    assert [step.slots[0].tokens for step in steps] == [17, 17]


def test_what_would_never_fit_is_named():
    predicted = simulate([Arrival("a", 30, 10), Arrival("b", 3, 2)], Limits(), BlockManager(4, 4))
    assert list(predicted.refused) == ["a"] and "need 10 KV blocks and there are 4" in predicted.refused["a"]
    assert len(predicted.steps) == 2


def test_nothing_to_do_predicts_nothing():
    predicted = simulate([], Limits(), BlockManager(4, 4))
    assert predicted.steps == [] and predicted.makespan == 0 and predicted.waste is None
