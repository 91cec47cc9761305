"""The only part of `torch.nn.attention.varlen` that a CPU lacks: its kernel. Everything around it is PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.library import _scoped_library

Attend = Callable[[Tensor, Tensor, Tensor, float | None], Tensor]


def bottom_right(query: Tensor, key: Tensor, value: Tensor, scale: float | None) -> Tensor:
    """What FlashAttention computes of one row, [H, tokens, D]: its last query sees every key."""
    mask = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool).tril(key.shape[1] - query.shape[1])
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale, enable_gqa=True)


@contextmanager
def on_a_cpu(attend: Attend = bottom_right) -> Iterator[list[int]]:
    """Replaces the CUDA kernel while it is open: a loop over the rows, each attended by itself. Yields the number of
    rows of each call."""
    calls: list[int] = []

    def kernel(
        query: Tensor, key: Tensor, value: Tensor, queries: Tensor, keys: Tensor, max_q: int, max_k: int,
        is_causal: bool = False, scale: float | None = None, window_size: list[int] | None = None, *others: object,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        assert (is_causal, window_size) == ((True, [-1, 0]) if max_q > 1 else (False, [-1, -1]))
        assert not any(isinstance(other, Tensor) for other in others)
        assert queries.dtype == keys.dtype == torch.int32
        assert query.stride(-1) == key.stride(-1) == value.stride(-1) == 1
        lengths = queries.diff().tolist(), keys.diff().tolist()
        assert (max(lengths[0]), max(lengths[1])) == (max_q, max_k)
        calls.append(len(lengths[0]))
        rows = [states.transpose(0, 1).split(own, 1) for states, own in zip((query, key), lengths, strict=True)]
        told = value.transpose(0, 1).split(lengths[1], 1)
        parts = [attend(*row, scale).transpose(0, 1) for row in zip(*rows, told, strict=True)]
        return torch.cat(parts), query.new_empty(0, dtype=torch.float32), torch.zeros(2, dtype=torch.uint64)

    import torch.nn.attention.varlen  # its operator is there from then on

    with _scoped_library("torch_attn", "IMPL") as library:
        library.impl("_varlen_attn", kernel, "CPU")
        yield calls
