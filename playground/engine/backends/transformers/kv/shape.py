"""The size of one token's keys and values over all layers, read from a real cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.transformers.kv.packed_rows import TRAILER
from playground.engine.backends.transformers.kv.quantization import CHANNELS, TOKENS, low_dtype
from playground.protocol.dtypes import CODE_BITS


@dataclass(frozen=True)
class KVShape:
    """What one token stores. `keys` and `values`: numbers over all layers; `widest`: numbers of both in the largest
    layer; `heads`: heads of values over all layers, each with one quantization group per token (keys have one group per
    number and block). `head_dims`: (keys, values) numbers of a head, for every kind of layer."""

    layers: int
    keys: int
    values: int
    widest: int
    heads: int
    head_dims: frozenset[tuple[int, int]]
    dtype: torch.dtype

    @property
    def token_bytes(self) -> int:
        """Bytes of one token's keys and values over all layers, in the model's dtype."""
        return (self.keys + self.values) * self.dtype.itemsize

    @property
    def layer_bytes(self) -> int:
        """Bytes of one token's keys and values in the widest layer, in the model's dtype."""
        return self.widest * self.dtype.itemsize

    def block_bytes(self, kind: str, size: int) -> int:
        """Bytes of a full block of `size` tokens: codes, a step and an offset per group, and where codes share bytes,
        the trailer of a layer's keys."""
        if kind not in CODE_BITS:
            return self.token_bytes * size
        key, value = (2 + getattr(low_dtype(kind, axis), "itemsize", 0) for axis in (TOKENS, CHANNELS))
        trailers = self.layers * TRAILER * (CODE_BITS[kind] < 8)
        codes = (self.keys + self.values) * size * CODE_BITS[kind] // 8
        return codes + trailers + self.keys * key + self.heads * size * value

    def tail_bytes(self, kind: str, size: int) -> int:
        """Bytes of a slot's tail of `size` tokens; 0 where blocks are not quantized."""
        return self.token_bytes * size if kind in CODE_BITS else 0


def kv_shape(cache: DynamicCache) -> KVShape:
    """The shape of a cache that one request has filled, [1, H, L, D] per layer."""
    layers: list[tuple[Tensor, Tensor]] = [(keys, values) for keys, values, *_ in cache]
    numbers = [(keys[0, :, 0].numel(), values[0, :, 0].numel()) for keys, values in layers]
    return KVShape(
        layers=len(layers),
        keys=sum(keys for keys, _ in numbers),
        values=sum(values for _, values in numbers),
        widest=max((keys + values for keys, values in numbers), default=0),
        heads=sum(values.shape[1] for _, values in layers),
        head_dims=frozenset((keys.shape[-1], values.shape[-1]) for keys, values in layers),
        dtype=layers[0][0].dtype if layers else torch.float32,
    )
