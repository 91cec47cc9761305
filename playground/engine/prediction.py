"""A `Simulate` command answered by the simulator."""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.backends.base import EngineError
from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.engine.scheduler import Limits, Work
from playground.engine.simulator import Arrival, StepCost, one_step, simulate
from playground.protocol.commands import Simulate, StepSeconds
from playground.protocol.events import Simulated
from playground.protocol.options import TOGGLES

MOST = 10_000_000


def predict(command: Simulate) -> Simulated:
    """Steps, occupancy, waste and, where the cost of a step is known, makespan. Raises `EngineError`."""
    _refuse(command)
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


def _refuse(command: Simulate) -> None:
    """Refuse what would never end, or not fit into memory."""
    tokens = sum(max(each.prompt, 0) + max(each.output, 0) for each in command.requests)
    for number, what, most in (
        (command.slots, "slots", TOGGLES["max_batch"].high or 0),
        (command.token_budget, "tokens a step", TOGGLES["token_budget"].high or 0),
        (command.block_size, "tokens a block", MOST),
        (command.blocks, "blocks", MOST),
        (max(tokens, 1), "tokens in all", MOST),
    ):
        if not 1 <= number <= most:
            raise EngineError(f"a simulation takes from 1 to {most:.0f} {what}, not {number}")


def _step_cost(seconds: StepSeconds) -> StepCost:
    def cost(works: Sequence[Work], held: Sequence[Request]) -> float:
        prefill = sum(work.tokens for work in works if not work.decode)
        rows = sum(work.decode for work in works) + len(held)
        return seconds.base + seconds.prefill_token * prefill + seconds.row * rows

    return cost
