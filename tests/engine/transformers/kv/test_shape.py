"""The reserved bytes are those of the tensors that hold them, for grouped, latent and shared heads."""

from __future__ import annotations

import pytest
from torch import Tensor

from playground.engine.backends.transformers.kv import budget as kv_budget
from playground.engine.backends.transformers.kv.states import QuantizedStates
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask


@pytest.mark.parametrize("kind", ["model", "fp8", "int8", "int4", "int2"])
@pytest.mark.parametrize("name", ["llama-64", "gemma3", "deepseek-v3", "gemma3n"])
def test_what_is_reserved_is_what_the_tensors_weigh(member: Member, name: str, kind: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, kv_cache=kind, block_size=16, max_batch=3)
    driven.run(ask(reference.prompts[:1], 4, ignore_eos=True))
    live = driven.backend._engine
    assert live.memory().kv_reserved == held(driven)
    tail = 16 * live.kv_shape.token_bytes if kind != "model" else 0
    assert live.memory().kv_reserved == 64 * live.kv_shape.block_bytes(kind, 16) + 3 * tail
    assert live.memory().kv_tails == 3 * tail
    more = driven.set(max_batch=5)
    assert more.after.kv_reserved - more.before.kv_reserved == 2 * tail
    assert live.memory().kv_reserved == held(driven)


@pytest.mark.parametrize("kind", ["int8", "int4", "int2"])
def test_a_budget_of_bytes_holds_the_tails_of_all_slots(
    member: Member, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = 1 << 20
    monkeypatch.setattr(kv_budget, "KV_CPU_BYTES", budget)
    driven = Driven(member("llama-64").folder, device="cpu", kv_cache=kind, kv_blocks="auto", max_batch=7)
    live = driven.backend._engine
    block, tail = live.kv_shape.block_bytes(kind, 32), 32 * live.kv_shape.token_bytes
    assert budget - block < live.kv.reserved_bytes <= budget
    assert live.core.runner.blocks.count == (budget - 7 * tail) // block < budget // block


def held(driven: Driven) -> int:
    """Bytes of every tensor of the KV cache, except the scratch token that each has."""
    total = 0
    for states in (states for layer in driven.backend._engine.core.runner.cache.store._layers for states in layer):
        if isinstance(states, QuantizedStates):
            parts: list[Tensor] = [*states.parts, states.tails[1:]]
            total += sum(part.nbytes for part in parts)
        else:
            total += states[:-1].nbytes
    return total
