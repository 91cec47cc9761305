"""A `Simulate` command answered by the simulator."""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Work
from playground.engine.simulator import Arrival, StepCost, one_step, simulate
from playground.protocol.commands import Simulate, StepSeconds
from playground.protocol.events import Simulated


def predict(command: Simulate) -> Simulated:
    """Steps, occupancy, waste and, where the cost of a step is known, makespan."""
    arrivals = [
        Arrival(each.request_id, each.prompt, each.output, each.delay_s, each.shared) for each in command.requests
    ]
    limits = Limits(command.policy, command.slots, command.token_budget)
    blocks = BlockManager(command.blocks, command.block_size, prefix_cache=command.prefix_cache)
    cost = _step_cost(command.cost) if command.cost else one_step
    prediction = simulate(arrivals, limits, blocks, cost)
    return Simulated(
        policy=command.policy,
        steps=len(prediction.steps),
        occupancy=prediction.occupancy,
        waste=prediction.waste,
        makespan_s=prediction.makespan if command.cost else None,
        refused=len(prediction.refused),
    )


def _step_cost(seconds: StepSeconds) -> StepCost:
    def cost(works: Sequence[Work], held: Sequence[Request]) -> float:
        prefill = sum(work.tokens for work in works if not work.decode)
        rows = sum(work.decode for work in works) + len(held)
        return seconds.base + seconds.prefill_token * prefill + seconds.row * rows

    return cost
