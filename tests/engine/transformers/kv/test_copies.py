"""Copies of the KV cache in a forward are counted, stay within their bound, and are part of the budget."""

from __future__ import annotations

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.kv import budget as kv_budget
from playground.engine.backends.transformers.kv import copies
from playground.engine.backends.transformers.kv.copies import most_copied
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import MOST

KINDS = ("model", "fp8", "int8", "int4", "int2")
BOUND = 96 * 2**10


@pytest.mark.parametrize("batching", ["continuous", "static"])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_would_copy_too_much_run_apart(
    member: Member, kind: str, batching: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = member("llama-64")
    # Chunks of one step are of several requests, so that blocks of one request lie apart.
    options = {"kv_cache": kind, "batching": batching, "max_batch": 5, "token_budget": 48, "prefix_cache": False}

    def run() -> tuple[list[list[int]], Driven]:
        driven = Driven(reference.folder, **options)
        return driven.run(ask(reference.prompts, MOST, ignore_eos=True)), driven

    together, free = run()
    assert free.backend._engine.memory().kv_transient > BOUND
    monkeypatch.setattr(copies, "MOST_BYTES", BOUND)
    alone, bound = run()
    assert alone == together
    longest = max(len(prompt) + most for prompt, most in zip(reference.prompts, MOST, strict=True))
    assert bound.backend._engine.kv_shape.layer_bytes * 2 * longest < BOUND
    assert 0 < bound.backend._engine.memory().kv_transient <= BOUND


@pytest.mark.parametrize("kind", KINDS)
def test_the_budget_leaves_room_for_what_is_copied(member: Member, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(member("llama-64").folder, kv_cache=kind, max_batch=3)
    engine, free = driven.backend._engine, 3 * 2**20
    monkeypatch.setattr(kv_budget, "available", lambda device: free)
    with pytest.raises(EngineError, match="KV blocks need") as refused:
        driven.set(kv_blocks="100000")
    most = int(refused.value.advice.split()[2])
    driven.set(kv_blocks=str(most))

    def copied(blocks: int) -> int:
        return most_copied(engine.kv_shape, 3, min(engine.loaded.context, 32 * blocks), copies.MOST_BYTES)

    one_more = engine.kv.reserved_bytes + engine.kv_shape.block_bytes(kind, 32)
    assert engine.kv.reserved_bytes + copied(most) <= free < one_more + copied(most + 1)
    with pytest.raises(EngineError, match="KV blocks need"):
        driven.set(kv_blocks=str(most + 1))
    assert driven.set(kv_blocks="auto").after.kv_reserved + copied(engine.core.runner.blocks.count) <= free
