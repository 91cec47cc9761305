"""After a switch one layer is watched, not the whole step: the first step costs little more than the next. And heads
that share keys never have them repeated."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from playground.engine.backends.transformers.attention import attention
from playground.engine.backends.transformers.attention import grouped_sdpa as module
from playground.engine.backends.transformers.attention.grouped_sdpa import grouped_sdpa
from playground.engine.backends.transformers.attention.kernel_watch import KernelWatch
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every operator that was watched, by name."""
    names: list[str] = []
    dispatch = KernelWatch.__torch_dispatch__

    def count(self: KernelWatch, func: Any, *rest: Any) -> Any:
        names.append(func._schema.name.partition("::")[2])
        return dispatch(self, func, *rest)

    monkeypatch.setattr(KernelWatch, "__torch_dispatch__", count)
    return names


@pytest.mark.parametrize(("name", "every"), [("llama", False), ("mistral-sliding", True)])
def test_one_layer_of_a_kind_is_watched(member: Member, watched: list[str], name: str, every: bool) -> None:
    driven = Driven(member(name).folder)
    driven.submit(ask(member(name).prompts[:1], 40, ignore_eos=True))
    driven.backend.step()
    driven.backend.step()
    layers = driven.backend._engine.loaded.model.config.num_hidden_layers
    assert layers > 1
    for value, scores in (("eager", "softmax"), ("sdpa-flash", "_scaled_dot_product_flash_attention_for_cpu")):
        watched.clear()
        assert driven.set(attention=value).effective["attention_decode"] == "–"
        driven.backend.step()
        assert driven.backend._announcer.effective["attention_decode"] == value
        assert sum(scores in operator for operator in watched) == (layers if every else 1)
        seen = len(watched)
        driven.backend.step()
        assert len(watched) == seen, "the next step just runs"


def test_a_prompt_that_sees_its_own_blocks_as_stored_is_watched_apart(
    member: Member, watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where a mask may bring another kernel than the one that was probed without."""
    monkeypatch.setattr(attention, "MASKS_MATTER", ("cpu",))
    driven = Driven(member("llama").folder, kv_cache="int8", block_size=8)
    for prompt, anew in (([5] * 4, False), ([5] * 20, True), ([6] * 20, False)):
        watched.clear()
        driven.run(ask([prompt], 1, ignore_eos=True))
        assert bool(watched) == anew, prompt


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("queries", [1, 5])
def test_heads_of_a_group_join_the_queries_under_a_mask(
    rows: int, queries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where no fused kernel takes a mask and shares heads of keys."""
    query, key, value = torch.randn(rows, 6, queries, 8), torch.randn(rows, 2, 9, 8), torch.randn(rows, 2, 9, 8)
    mask = torch.rand(rows, 1, queries, 9) < 0.6
    mask[..., 0] = True
    shared, _ = grouped_sdpa(torch.nn.Module(), query, key, value, mask, scaling=0.3)
    monkeypatch.setattr(module, "MASKS_MATTER", ("cpu",))
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", no_shared_heads)
    joined, _ = grouped_sdpa(torch.nn.Module(), query, key, value, mask, scaling=0.3)
    assert joined.shape == shared.shape == (rows, queries, 6, 8)
    torch.testing.assert_close(joined, shared)


def no_shared_heads(query: Tensor, key: Tensor, value: Tensor, **told: Any) -> Tensor:
    assert query.shape[1] == key.shape[1] and not told.get("enable_gqa")
    scores = query @ key.transpose(2, 3) * told["scale"]
    return scores.masked_fill(~told["attn_mask"], -torch.inf).softmax(-1) @ value
