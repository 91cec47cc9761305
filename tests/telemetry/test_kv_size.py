"""Bytes of KV computed from facts against those that the engine really reserves."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from playground import paths
from playground.engine.backends.transformers.facts import facts
from playground.telemetry.kv_size import capacity, crossing, fitting, token_bytes
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.zoo.zoo import make


@pytest.fixture(scope="module")
def engine() -> Driven:
    return Driven(paths.bundled_model(), dtype="bfloat16")


@pytest.mark.parametrize("kind", ["model", "fp8", "int8", "int4", "int2"])
@pytest.mark.parametrize("block_size", [16, 32])
def test_what_is_computed_is_what_the_engine_allots(engine, kind, block_size):
    applied = engine.set(kv_cache=kind, block_size=block_size, kv_blocks="auto")
    live = engine.backend._live
    assert live
    tokens, slots = int(applied.effective["kv_blocks"]) * block_size, applied.requested.max_batch
    assert capacity(facts(live), kind, block_size, applied.after.kv_reserved, slots).tokens == tokens
    one_more = int(token_bytes(facts(live), kind, block_size) * block_size)
    assert capacity(facts(live), kind, block_size, applied.after.kv_reserved + one_more, slots).tokens > tokens
    assert capacity(facts(live), kind, block_size, applied.after.kv_reserved - 1, slots).tokens < tokens


@pytest.mark.parametrize("name", ["laguna", "gemma4", "gemma3n", "falcon-alibi", "deepseek-v3"])
def test_layers_may_differ_and_keys_from_values(name: str, tmp_path: Path) -> None:
    live = Driven(make(name, tmp_path / name)).backend._live
    assert live
    for kind in ("model", "fp8", "int8", "int4", "int2"):
        assert token_bytes(facts(live), kind, 32) * 32 == live.kv_shape.block_bytes(kind, 32)


def test_a_budget_holds_whole_blocks(engine):
    assert engine.backend._live
    known = facts(engine.backend._live)
    held = capacity(known, "model", 32, 10 * 32 * known.kv_bytes_per_token + 5, slots=8)
    assert held.tokens == 320 and held.requests == 0
    tokens = {kind: capacity(known, kind, 32, 1 << 30, slots=8).tokens for kind in ("model", "int4")}
    assert tokens["int4"] > 3.3 * tokens["model"]
    assert capacity(known, "int4", 32, 1 << 10, slots=8).tokens == 0, "nothing is left beside the tails"


@pytest.mark.parametrize("kind", ["model", "fp8", "int8", "int4", "int2"])
def test_requests_that_fit_are_those_that_run_together(engine, kind):
    live = engine.backend._live
    assert live
    tokens, budget, size = 100, 20 * 32 * live.kv_shape.token_bytes, live.options.block_size
    requests, blocks = fitting(facts(live), kind, size, budget, tokens), -(-tokens // size)
    for slots in (requests + 1, requests):
        engine.set(kv_cache=kind, kv_blocks=str(slots * blocks), max_batch=slots, token_budget=slots * tokens)
        assert (live.kv.reserved_bytes <= budget) == (slots == requests)
    prompts = [[(index + 7 * at) % 2000 for at in range(tokens - 2)] for index in range(requests + 1)]
    engine.submit(ask(prompts, 2, name=f"{kind}-", ignore_eos=True))
    engine.backend.step()
    step = engine.steps[-1]
    assert sum(slot.request_id is not None for slot in step.slots) == requests and step.waiting == [
        f"{kind}-{requests}"
    ]
    assert 0 < step.kv_bytes <= budget and step.blocks_free == 0
    engine.finish()
    assert not any(step.preempted for step in engine.steps)


def test_where_kv_overtakes_the_weights(engine):
    assert engine.backend._live
    known = facts(engine.backend._live)
    tokens = crossing(known, "model", 32, 1000 * known.kv_bytes_per_token)
    assert tokens == 1001 and crossing(known, "model", 32, 1000 * known.kv_bytes_per_token, requests=10) == 101
    assert crossing(msgspec.structs.replace(known, kv_bytes_per_token=0), "model", 32, 10) is None
