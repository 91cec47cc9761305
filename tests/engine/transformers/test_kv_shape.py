"""What is reserved for a block is what the very tensors that hold it weigh, over grouped, latent and shared heads."""

from __future__ import annotations

import pytest

from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask


@pytest.mark.parametrize("kind", ["fp8", "int8", "int4", "int2"])
@pytest.mark.parametrize("name", ["llama-64", "gemma3", "deepseek-v3", "gemma3n"])
def test_a_block_weighs_what_its_tensors_weigh(member: Member, name: str, kind: str) -> None:
    reference = member(name)
    driven = Driven(reference.folder, kv_cache=kind, block_size=16)
    driven.run(ask(reference.prompts[:1], 4, ignore_eos=True))
    live = driven.backend._engine
    layers = live.core.runner.cache.store._layers
    assert live.kv_shape.block_bytes(kind, 16) == sum(states.block_bytes for layer in layers for states in layer)
    assert live.memory().kv_reserved == 64 * live.kv_shape.block_bytes(kind, 16)
