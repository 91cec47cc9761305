"""Where a step stands under the roofline: operations and bytes from the model's facts, against measured ceilings. Pure.

Counts the minimum a step needs: every weight and every stored key and value read once. Experts that no token visits are
counted too.
"""

from __future__ import annotations

from dataclasses import dataclass

from playground.protocol.measurements import Ceilings
from playground.protocol.model_facts import ModelFacts
from playground.protocol.steps import Step


@dataclass(frozen=True)
class OpCost:
    """Floating-point operations and bytes moved."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class RooflinePoint:
    """One step or call: `share` of what the roof allows at its intensity; `memory_bound`: the copy is the limit."""

    intensity: float
    flops_per_second: float
    bytes_per_second: float
    share: float
    memory_bound: bool


def reachable(ceilings: Ceilings, intensity: float) -> float:
    """FLOP/s under the roof at an intensity."""
    return min(ceilings.flops_per_second, intensity * ceilings.bytes_per_second)


def ridge(ceilings: Ceilings) -> float:
    """The intensity at which the two ceilings meet."""
    return ceilings.flops_per_second / ceilings.bytes_per_second


def roofline_point(cost: OpCost, seconds: float, ceilings: Ceilings) -> RooflinePoint | None:
    """Where a step or call that took so long stands under the roof; None where nothing was done."""
    if not cost.flops or not cost.bytes or seconds <= 0:
        return None
    intensity = cost.flops / cost.bytes
    achieved = cost.flops / seconds
    return RooflinePoint(
        intensity=intensity,
        flops_per_second=achieved,
        bytes_per_second=cost.bytes / seconds,
        share=achieved / reachable(ceilings, intensity),
        memory_bound=intensity < ridge(ceilings),
    )


def step_cost(step: Step, facts: ModelFacts, block_size: int, weights_bytes: int | None = None) -> OpCost:
    """What one engine step needs. `weights_bytes`: what the weights weigh now, if not as loaded (int8, say).

    A step does not tell how long each row's context is: every row gets the mean, blocks in use over rows, which is
    exact for the bytes and for the operations of decode, and at most a block per row too much.
    """
    tokens = sum(work.tokens for work in step.slots)
    rows = sum(1 for work in step.slots if work.tokens)
    if not rows:
        return OpCost(0.0, 0.0)
    inner = facts.parameters - facts.embedding_parameters - facts.output_parameters
    products = 2.0 * (inner * tokens + facts.output_parameters * rows)
    pairs = tokens * step.blocks_used * block_size / rows
    attention = 4.0 * facts.query_width * pairs
    weights = facts.weights_bytes if weights_bytes is None else weights_bytes
    looked_up = facts.embedding_parameters / facts.parameters * weights if facts.parameters else 0.0
    return OpCost(products + attention, weights - looked_up + step.kv_bytes + tokens * facts.kv_bytes_per_token)
