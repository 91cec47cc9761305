"""Attention over rows of different lengths without a mask: their real tokens packed, one row after the other.

PyTorch's FlashAttention takes no mask on a GPU. `torch.nn.attention.varlen` runs the same kernel over packed rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.row import BatchRow

# Takes query, key, value [tokens, H, D], the ends of the rows of queries and of keys, the longest row of each; by name
# `scale` and `window_size`: how many keys before and after its own a query sees, -1 for all.
Kernel = Callable[..., Tensor]


@dataclass(frozen=True)
class Packing:
    """Maps left-padded rows [B, width] to packed tokens. `at`: (rows, columns) of the real tokens, None if there is no
    padding. `ends` [B + 1], int32: cumulative row lengths; `longest`: the longest row."""

    shape: tuple[int, int]
    at: tuple[Tensor, Tensor] | None
    ends: Tensor
    longest: int

    def pack(self, states: Tensor) -> Tensor:
        """States [B, H, width, D] as [tokens, H, D], padding left out."""
        states = states.transpose(1, 2)
        return states.flatten(0, 1) if self.at is None else states[self.at]

    def unpack(self, packed: Tensor) -> Tensor:
        """States [tokens, H, D] as [B, width, H, D], padding zero."""
        if self.at is None:
            states: Tensor = packed.unflatten(0, self.shape)
            return states
        states = packed.new_zeros(*self.shape, *packed.shape[1:])
        states[self.at] = packed
        return states


@dataclass(frozen=True)
class Ragged:
    """Replaces the mask: each real query attends to the keys of its own row, up to its own position."""

    queries: Packing
    keys: Packing
    kernel: Kernel

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
        """Attention of query [B, Hq, q, D] over key, value [B, Hkv, columns, D]; returns [B, q, Hq, Dv]. Copies the
        real tokens of one layer's keys and values."""
        packed = self.queries.pack(query), self.keys.pack(key), self.keys.pack(value)
        ends = self.queries.ends, self.keys.ends, self.queries.longest, self.keys.longest
        # One query sees every key; without causality a kernel can spread the keys over more of the GPU.
        window = (-1, 0) if self.queries.longest > 1 else (-1, -1)
        return self.queries.unpack(self.kernel(*packed, *ends, scale=scaling, window_size=window))


def find_kernel() -> Kernel:
    """PyTorch's kernel. A causal window is aligned to the last key. Sharing fewer heads of keys than of queries has to
    be requested in torch 2.13 and cannot be in 2.11."""
    from torch.nn.attention.varlen import varlen_attn  # only a GPU needs it

    shared: dict[str, Any] = {"enable_gqa": True} if "enable_gqa" in inspect.signature(varlen_attn).parameters else {}
    return cast(Kernel, partial(varlen_attn, **shared))  # it returns a pair only if more is requested


def ragged(rows: Sequence[BatchRow], device: torch.device, kernel: Kernel) -> Ragged:
    """The `Ragged` of a forward of these rows, right-aligned."""
    counts, lengths = [row.count for row in rows], [row.length for row in rows]
    return Ragged(packing(counts, device), packing(lengths, device), kernel)


def packing(lengths: Sequence[int], device: torch.device) -> Packing:
    """The packing of left-padded rows of these lengths."""
    counts, longest = np.array(lengths), max(lengths)
    ends = torch.from_numpy(np.cumsum([0, *lengths], dtype=np.int32)).to(device)
    at = None
    if min(lengths) < longest:
        rows, columns = np.nonzero(np.arange(longest) >= longest - counts[:, None])
        at = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
    return Packing((len(lengths), longest), at, ends, longest)
