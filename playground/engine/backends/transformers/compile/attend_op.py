"""Attention and its KV cache as one opaque operator, so that a compiled graph contains no lengths, blocks or kernel.

A growing context, another KV cache or another attention kernel then needs no new graph: the operator looks them up when
it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, Cache, PreTrainedConfig

from playground.engine.backends.transformers.forward.parts import AttentionCall

COMPILED = "playground_compiled"
# Arguments of attention that follow from the rest; no model with sliding windows is compiled.
IDLE = {"dropout", "position_ids", "use_cache", "sliding_window", "cache_position", "is_causal"}


@dataclass
class StepContext:
    """What one step attends with: its parts, the kernel, the attention modules by layer, and the implementation that
    the kernel finds in their `config`, as it would without a graph."""

    parts: Sequence[AttentionCall]
    kernel: Callable[..., Any]
    modules: dict[int, nn.Module]
    config: PreTrainedConfig
    implementation: str


class NewStates(Cache):
    """Returns new keys and values as they are: the operator stores them."""

    def __init__(self) -> None:
        super().__init__(layers=[])

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """New keys and values [B, Hkv, 1, D]."""
        return key_states, value_states


_current: list[StepContext] = []


def begin(call: StepContext) -> None:
    """Set the step that the operator serves now."""
    _current[:] = [call]


def end() -> None:
    """Clear the step; nothing of it is kept."""
    _current.clear()


def attend(query: Tensor, key: Tensor, value: Tensor, layer: int, scaling: float) -> Tensor:
    """Store key, value [tokens, Hkv, 1, D] and attend with query [tokens, Hq, 1, D], each token over what its part lets
    it see; returns [tokens, 1, Hq, Dv]."""
    call = _current[0]
    call.config._attn_implementation = call.implementation
    try:
        attended = _attended(call, query, key, value, call.modules[layer], scaling)
    finally:
        call.config._attn_implementation = COMPILED
    return attended.contiguous().view(len(query), 1, query.shape[1], -1)


def _attended(
    call: StepContext, query: Tensor, key: Tensor, value: Tensor, module: nn.Module, scaling: float
) -> Tensor:
    parts, kernel = call.parts, call.kernel
    if len(parts) == 1 and parts[0].rows == len(query):
        return parts[0].attend(module, kernel, query, key, value, scaling)
    tokens = [part.tokens for part in parts]
    each = zip(parts, *(new.squeeze(2).split_with_sizes(tokens) for new in (query, key, value)), strict=True)
    return torch.cat([part.attend(module, kernel, *map(part.heads_first, new), scaling) for part, *new in each])


def _shape(query: Tensor, key: Tensor, value: Tensor, layer: int, scaling: float) -> Tensor:
    batch, heads, length, _ = query.shape
    return query.new_empty(batch, length, heads, value.shape[-1])


def _interface(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: None, scaling: float, **others: Any
) -> tuple[Tensor, None]:
    unknown = sorted(name for name, value in others.items() if value is not None and name not in IDLE)
    if unknown:
        raise NotImplementedError(f"its attention takes {', '.join(unknown)}")
    return torch.ops.playground.attend(query, key, value, module.layer_idx, scaling), None


_library = torch.library.Library("playground", "DEF")
# CUDA graphs end before it and start again after it, since the host decides what it does.
_library.define(
    "attend(Tensor query, Tensor key, Tensor value, int layer, float scaling) -> Tensor",
    tags=(torch.Tag.cudagraph_unsafe,),
)
for _device in ("CPU", "CUDA", "MPS"):
    _library.impl("attend", attend, _device)
_library.impl("attend", _shape, "Meta")
AttentionInterface.register(COMPILED, _interface)
