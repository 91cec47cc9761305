"""The tokens of a left-padded forward that are not padding."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.row import BatchRow


def real_tokens(rows: Sequence[BatchRow], queries: int, device: torch.device) -> Tensor | None:
    """Which of the B x q tokens of a left-padded forward are not padding; None if all."""
    if all(row.count == queries for row in rows):
        return None
    ends = range(queries, (len(rows) + 1) * queries, queries)
    return torch.cat([torch.arange(end - row.count, end) for row, end in zip(rows, ends, strict=False)]).to(device)


def flat_tokens(states: Tensor, source: Tensor | None) -> Tensor:
    """New states [B, Hkv, q, D] as [tokens, Hkv, D], padding left out."""
    batch, heads, queries, dim = states.shape
    flat = states.transpose(1, 2).reshape(batch * queries, heads, dim)
    return flat if source is None else flat.index_select(0, source)
