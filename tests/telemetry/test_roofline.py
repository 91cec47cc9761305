"""The roofline of a step, against numbers worked out by hand."""

from __future__ import annotations

import msgspec
import pytest

from playground.protocol.measurements import Ceilings
from playground.protocol.steps import SlotWork, Step
from playground.telemetry.roofline import OpCost, reachable, ridge, roofline_point, step_cost
from tests.model_facts import TINY_CODER

CEILINGS = Ceilings(flops_per_second=1000.0, bytes_per_second=100.0)
FACTS = msgspec.structs.replace(
    TINY_CODER,
    parameters=1000,
    weights_bytes=2000,
    query_width=64,
    kv_bytes_per_token=64,
    output_parameters=100,
    embedding_parameters=200,
)


def step(*slots: SlotWork, blocks: int = 4, kv: int = 8192) -> Step:
    return Step(index=0, start=0.0, seconds=1.0, slots=list(slots), blocks_used=blocks, kv_bytes=kv)


def decode() -> SlotWork:
    return SlotWork(request_id="a", phase="decode", tokens=1)


def test_the_roof_bends_where_the_ceilings_meet():
    assert ridge(CEILINGS) == 10
    assert reachable(CEILINGS, 2.0) == 200
    assert reachable(CEILINGS, 10.0) == reachable(CEILINGS, 99.0) == 1000


def test_a_dot_is_what_was_achieved_against_its_roof():
    low = roofline_point(OpCost(flops=100.0, bytes=50.0), 1.0, CEILINGS)
    assert low and low.intensity == 2 and low.flops_per_second == 100 and low.bytes_per_second == 50
    assert low.share == pytest.approx(0.5) and low.memory_bound
    high = roofline_point(OpCost(flops=900.0, bytes=10.0), 1.0, CEILINGS)
    assert high and high.share == pytest.approx(0.9) and not high.memory_bound
    assert roofline_point(OpCost(0.0, 0.0), 1.0, CEILINGS) is None


def test_two_decoding_rows():
    need = step_cost(step(decode(), decode()), FACTS, block_size=32)
    # 700 inner weights and 100 of the output layer, two operations each, for two tokens; 2 rows x 64 stored tokens.
    assert need.flops == 2 * 700 * 2 + 2 * 100 * 2 + 4 * 2 * 4 * 8 * (2 * 64)
    # An embedding of a fifth of the parameters is looked up, not read.
    assert need.bytes == 1600 + 8192 + 2 * 64


def test_a_prefill_pays_the_output_layer_once():
    need = step_cost(step(SlotWork(request_id="a", phase="prefill", tokens=64), blocks=2), FACTS, block_size=32)
    assert need.flops == 2 * 700 * 64 + 2 * 100 + 4 * 2 * 4 * 8 * (64 * 64)


def test_a_held_row_and_an_empty_slot_do_no_useful_work():
    held = SlotWork(request_id="b", phase="held")
    with_them = step_cost(step(decode(), held, SlotWork()), FACTS, block_size=32)
    assert with_them == step_cost(step(decode()), FACTS, block_size=32)
    assert step_cost(step(held), FACTS, block_size=32) == OpCost(0.0, 0.0)


def test_lighter_weights_mean_fewer_bytes_and_the_same_operations():
    full, int8 = (step_cost(step(decode()), FACTS, 32, weights) for weights in (None, 1000))
    assert full.flops == int8.flops and full.bytes - int8.bytes == 800
