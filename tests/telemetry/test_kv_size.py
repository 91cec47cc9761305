"""Bytes of KV computed from facts against those that the engine really reserves."""

from __future__ import annotations

import msgspec
import pytest

from playground import paths
from playground.engine.backends.transformers.backend import facts
from playground.telemetry.kv_size import capacity, crossing, token_bytes
from tests.engine.transformers.driven import Driven


@pytest.fixture(scope="module")
def engine() -> Driven:
    return Driven(paths.bundled_model(), dtype="bfloat16")


@pytest.mark.parametrize("kind", ["model", "fp8", "int8", "int4", "int2"])
@pytest.mark.parametrize("block_size", [16, 32])
def test_a_token_weighs_what_the_engine_says(engine, kind, block_size):
    toggle = engine.backend.capabilities().toggle("kv_cache")
    assert toggle
    support = toggle.find(kind)
    if not (support and support.possible):
        pytest.skip(f"{kind}: {support.reason if support else 'unknown'}")
    applied = engine.set(kv_cache=kind, block_size=block_size)
    live = engine.backend._live
    assert live
    reserved = applied.after.kv_reserved / int(applied.effective["kv_blocks"]) / block_size
    assert token_bytes(facts(live), kind, block_size) == pytest.approx(reserved, rel=0.001)


def test_a_budget_holds_whole_blocks(engine):
    assert engine.backend._live
    known = facts(engine.backend._live)
    held = capacity(known, "model", 32, 10 * 32 * known.kv_bytes_per_token + 5)
    assert held.tokens == 320 and held.requests == 0
    assert capacity(known, "int4", 32, 1 << 30).tokens > 3.3 * capacity(known, "model", 32, 1 << 30).tokens


def test_where_kv_overtakes_the_weights(engine):
    assert engine.backend._live
    known = facts(engine.backend._live)
    tokens = crossing(known, "model", 32, 1000 * known.kv_bytes_per_token)
    assert tokens == 1001 and crossing(known, "model", 32, 1000 * known.kv_bytes_per_token, requests=10) == 101
    assert crossing(msgspec.structs.replace(known, kv_bytes_per_token=0), "model", 32, 10) is None
