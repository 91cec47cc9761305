"""Attention and its KV cache as one opaque operator: a compiled graph holds no lengths, no blocks and no kernel.

So a growing context, another KV cache and another attention kernel need no new graph: which ones run is looked up then.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, Cache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.transformers.varlen import Ragged

COMPILED = "playground_compiled"
# What layers hand to attention though it follows from the rest, or has no effect where one token sees all before it.
IDLE = {"dropout", "position_ids", "use_cache", "sliding_window", "cache_position", "is_causal"}


@dataclass
class Call:
    """What one decode step attends with: its cache, its ready mask or what stands for it, the kernel's name, and the
    modules by layer."""

    cache: Cache
    mask: Tensor | Ragged | None
    kernel: str
    modules: dict[int, nn.Module]


class NewStates(Cache):
    """Hands back new keys and values as they are: the operator stores them."""

    def __init__(self) -> None:
        super().__init__(layers=[])

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """New keys and values [B, Hkv, 1, D]."""
        return key_states, value_states


_current: list[Call] = []


def begin(call: Call) -> None:
    """The step that the operator serves from now on."""
    _current[:] = [call]


def end() -> None:
    """No step runs; nothing of it is kept."""
    _current.clear()


def attend(query: Tensor, key: Tensor, value: Tensor, layer: int, scaling: float) -> Tensor:
    """Store key, value [B, Hkv, 1, D] and attend with query [B, Hq, 1, D] over all; returns [B, 1, Hq, Dv]."""
    call = _current[0]
    module = call.modules[layer]
    keys, values = call.cache.update(key, value, layer)
    eager = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    kernel = ALL_ATTENTION_FUNCTIONS.get_interface(call.kernel, eager)
    return kernel(module, query, keys, values, call.mask, dropout=0.0, scaling=scaling)[0].contiguous()  # type: ignore[no-any-return]


def _shape(query: Tensor, key: Tensor, value: Tensor, layer: int, scaling: float) -> Tensor:
    batch, heads, length, _ = query.shape
    return query.new_empty(batch, length, heads, value.shape[-1])


def _interface(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: None, scaling: float, **others: Any
) -> tuple[Tensor, None]:
    told = sorted(name for name, value in others.items() if value is not None and name not in IDLE)
    if told:
        raise NotImplementedError(f"its attention takes {', '.join(told)}")
    return torch.ops.playground.attend(query, key, value, module.layer_idx, scaling), None


_library = torch.library.Library("playground", "DEF")
# CUDA graphs end before it and begin after it, since the host decides what it does.
_library.define(
    "attend(Tensor query, Tensor key, Tensor value, int layer, float scaling) -> Tensor",
    tags=(torch.Tag.cudagraph_unsafe,),
)
for _device in ("CPU", "CUDA", "MPS"):
    _library.impl("attend", attend, _device)
_library.impl("attend", _shape, "Meta")
AttentionInterface.register(COMPILED, _interface)
