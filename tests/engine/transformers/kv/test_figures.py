"""What a quantized cache saves on the bundled model: the bytes of its real tensors."""

from __future__ import annotations

import gc
from math import exp

import pytest
import torch

from playground import paths
from playground.protocol.commands import Abort
from playground.protocol.events import MemoryMeasured, RequestFinished, StepsExecuted
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE
from tests.engine.transformers.test_scoring import held_out, score

TOKENS = 2000
EVERY = 2  # of the held-out texts
FEWER = {"fp8": 1.8, "int8": 1.8, "int4": 3.3, "int2": 5.5}


@pytest.fixture(scope="module")
def coder() -> Driven:
    """tiny-coder, head_dim 64, blocks of 32, in bfloat16."""
    return Driven(paths.bundled_model(), dtype="bfloat16", kv_blocks="70", token_budget=2048)


def test_bytes_at_2000_tokens_scales_and_tail_counted(coder: Driven) -> None:
    used = {kind: bytes_used(coder, kind) for kind in ("model", *FEWER)}
    config = coder.backend._engine.loaded.model.config
    blocks = -(-TOKENS // 32)
    assert used["model"] == blocks * 32 * config.num_hidden_layers * config.num_key_value_heads * 64 * 2 * 2
    for kind, least in FEWER.items():
        assert used["model"] / used[kind] >= least, (kind, used["model"] / used[kind])


@pytest.mark.parametrize("how", ["end", "abort"])
def test_at_rest_no_kv_is_in_use_and_that_is_told(coder: Driven, how: str) -> None:
    coder.set(kv_cache="model")
    coder.submit(ask([[5, 6, 7]], 40, ignore_eos=True))
    for _ in range(5):
        coder.backend.step()
    if how == "abort":
        coder.backend.abort(Abort())
    else:
        coder.finish()
    assert coder.of(StepsExecuted)[-1].steps[-1].kv_bytes > 0
    last = next(event for event in reversed(coder.events) if not isinstance(event, RequestFinished))
    assert isinstance(last, MemoryMeasured) and last.memory.kv_used == 0 and last.memory.kv_peak > 0


def test_no_dequantized_copy_stays_from_step_to_step() -> None:
    driven = Driven(paths.bundled_model(), kv_blocks="70", token_budget=2048)
    copy = 1200 * driven.backend._engine.kv_shape.layer_bytes
    for kind in ("model", "fp8", "int4"):
        driven.set(kv_cache=kind)
        before = tensors()  # held, so that nothing else gets their addresses
        driven.submit(ask([list(range(10, 610)), list(range(50, 650))], 8, name=f"{kind}-", ignore_eos=True))
        for _ in range(4):
            driven.backend.step()
        assert [slot.phase for slot in driven.steps[-1].slots][:2] == ["decode"] * 2
        left = bytes_outside(driven, before)
        # In the model's dtype a batch keeps what it gathered: a copy would be seen.
        assert left > copy if kind == "model" else left < copy / 10, (kind, left, copy)
        assert driven.backend._engine.memory().kv_transient >= copy, "of one layer, while it ran"
        driven.finish()


def test_perplexity_of_the_held_out_text_through_the_stored_view() -> None:
    exact, found = Driven(paths.bundled_model()), {}
    texts = held_out(exact)[::EVERY]
    assert sum(map(len, texts)) > 3000
    for kind in ("model", "fp8", "int8", "int4", "int2"):
        exact.set(kv_cache=kind)
        nll = [value for ids in texts for value in score(exact, ids).nll]
        found[kind] = exp(sum(nll) / len(nll))
    worse = {kind: perplexity / found["model"] - 1 for kind, perplexity in found.items()}
    print(f"perplexity {found['model']:.4f}; " + ", ".join(f"{kind} {by:+.4%}" for kind, by in worse.items()))
    assert abs(worse["int8"]) <= 0.001 and abs(worse["int4"]) <= 0.02
    assert abs(worse["int2"]) > abs(worse["int8"]) > 0, "codes are really read"


def bytes_used(driven: Driven, kind: str) -> int:
    """Bytes of 2 000 stored tokens, summed over the tensors that hold them."""
    driven.set(kv_cache=kind)
    driven.submit(ask([list(range(10, 10 + TOKENS - 48)) + [7] * 48], 8, name=kind, ignore_eos=True))
    driven.backend.step()
    core = driven.backend._engine.core
    (request,) = core.running
    assert request.computed == TOKENS
    said, store = core.runner.kv_bytes(core.running), core.runner.cache.store
    counted = sum(tensor_bytes(states, request.table, TOKENS) for layer in store._layers for states in layer)
    assert said == counted
    driven.finish()
    return said


def bytes_outside(driven: Driven, before: list[torch.Tensor]) -> int:
    """Bytes of tensors made since, except those of the KV cache."""
    gc.collect()
    layers = [states for layer in driven.backend._engine.core.runner.cache.store._layers for states in layer]
    stored = [
        part for states in layers for part in ([*states.parts, states.tails] if hasattr(states, "tails") else [states])
    ]
    known = {part.untyped_storage().data_ptr() for part in [*before, *stored] if isinstance(part, torch.Tensor)}
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors()}
    return sum(size for address, size in storages.items() if address not in known)


def tensors() -> list[torch.Tensor]:
    """Every live tensor that has numbers."""
    alive = [each for each in gc.get_objects() if type(each) in (torch.Tensor, torch.nn.Parameter)]
    return [each for each in alive if each.device.type == DEVICE.partition(":")[0] and each.layout == torch.strided]


def tensor_bytes(states: object, table: list[int], tokens: int) -> int:
    """Bytes of a layer's keys or values: whole blocks in the model's dtype, or sealed codes with their scales and a
    tail."""
    if isinstance(states, torch.Tensor):
        return len(table) * 32 * states[0].nbytes
    sealed = [part[table[: tokens // 32]] for part in states.parts]
    return sum(part.nbytes for part in sealed) + states.tails[:32].nbytes
