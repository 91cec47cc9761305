"""The parts of a forward: each has rows of one shape and a cache of its own, and may share everything else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import Cache

from playground.engine.backends.transformers.attention.varlen import Ragged
from playground.engine.backends.transformers.kv.cache import Watch
from playground.engine.backends.transformers.kv.codes_attention import FUSED
from playground.engine.backends.transformers.kv.store import Attend


class Part(NamedTuple):
    """Inputs of some rows: see `Decode`."""

    ids: Tensor
    positions: Tensor
    mask: Tensor | Ragged | None
    cache: Cache
    keep: int


class AttentionCall(NamedTuple):
    """What attention needs to know of a part, as plain numbers where asking a tensor would cost an operation. `codes`:
    attends over the cache as it is stored; None if the kernel gets all keys and values that are seen."""

    rows: int
    tokens: int
    mask: Tensor | Ragged | None
    cache: Cache
    watch: Watch | None
    codes: Attend | None

    def heads_first(self, states: Tensor) -> Tensor:
        """States [tokens, heads, D] as [B, heads, q, D]."""
        return states.view(self.rows, -1, *states.shape[1:]).transpose(1, 2)

    def attend(
        self, module: nn.Module, kernel: Callable[..., Any], queries: Tensor, keys: Tensor, values: Tensor, scale: float
    ) -> Tensor:
        """Store new keys, values [B, Hkv, q, D] of a layer and attend with queries [B, Hq, q, D] over all; returns
        [tokens, Hq * Dv]."""
        layer: int = module.layer_idx  # type: ignore[assignment]
        if self.codes:
            attended = self.codes(layer, queries, keys, values, scale)
            if self.watch:
                self.watch.ran(FUSED)
        else:
            keys, values = self.cache.update(keys, values, layer)
            attended, _ = kernel(module, queries, keys, values, self.mask, dropout=0.0, scaling=scale)
            if self.watch:
                self.watch.end()
        return attended.reshape(self.tokens, -1)


def attention_call(ids: Tensor, mask: Tensor | Ragged | None, cache: Cache) -> AttentionCall:
    """The `AttentionCall` of a part with ids [B, q]."""
    rows, queries = ids.shape
    watch, codes = (getattr(cache, name, None) for name in ("watch", "attend_codes"))
    return AttentionCall(rows, rows * queries, mask, cache, watch, codes)


def eager_attention(module: nn.Module) -> Callable[..., Any] | None:
    """The plain attention function of an attention module's model; None if it has none by the common name."""
    return getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)


def newest(parts: Sequence[Part]) -> Tensor:
    """Positions, among the tokens of all parts, of those whose logits are needed, [sum of B * keep]."""
    at: list[int] = []
    start = 0
    for part in parts:
        rows, queries = part.ids.shape
        end = start + rows * queries
        at += [kept for last in range(start + queries, end + 1, queries) for kept in range(last - part.keep, last)]
        start = end
    return torch.tensor(at, device=parts[0].ids.device)


def shared_out(parts: Sequence[Part], logits: Tensor) -> list[Tensor]:
    """Logits [sum of B * keep, V] as [B, keep, V] of each part."""
    each = logits.split_with_sizes([len(part.ids) * part.keep for part in parts])
    return [own.view(len(part.ids), part.keep, -1) for part, own in zip(parts, each, strict=True)]
