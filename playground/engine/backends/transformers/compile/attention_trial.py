"""Whether a model attends once a layer, to just what its cache returned: the compiled operator, which stores what it is
given, takes that for granted. A latent cache is expanded between the two, say."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedConfig

from playground.engine.backends.transformers.compile.attend_op import NewStates
from playground.engine.backends.transformers.forward.decoder import PlainDecode

TRIAL = "playground_trial"

_attended: list[tuple[int, Tensor, Tensor]] = []


class NotedStates(NewStates):
    """Notes what it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.returned: list[tuple[int, Tensor, Tensor]] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """See `NewStates`."""
        self.returned.append((layer_idx, key_states, value_states))
        return key_states, value_states


@torch.inference_mode()
def attends_as_stored(decoder: PlainDecode, config: PreTrainedConfig, device: torch.device) -> bool:
    """Run one token through the layers, with an attention that computes nothing."""
    name, cache, ids = config._attn_implementation, NotedStates(), torch.zeros(1, 1, dtype=torch.long, device=device)
    config._attn_implementation = TRIAL
    try:
        decoder.states(ids, ids, None, cache)
        return [*map(_identity, _attended)] == [*map(_identity, cache.returned)]
    finally:
        config._attn_implementation = name
        _attended.clear()


def _identity(noted: tuple[int, Tensor, Tensor]) -> tuple[int, int, int]:
    layer, keys, values = noted
    return layer, id(keys), id(values)


def _note(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **more: Any) -> tuple[Tensor, None]:
    _attended.append((module.layer_idx, key, value))  # type: ignore[arg-type]
    batch, heads, length, _ = query.shape
    return query.new_zeros(batch, length, heads, value.shape[-1]), None


AttentionInterface.register(TRIAL, _note)
