"""One decode step through a model's own layers, without what `forward` checks and builds around them each time.

Most decoders of transformers run embedding, rotary positions, layers, norm and head in this order. Whether one does is
not believed but tried: both ways must give the same logits, bit for bit, or `forward` stays in use.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel

from playground.engine.backends.transformers.lean_decoder import LeanDecoder

# Token ids [B, 1], positions [B, 1], a ready mask and a cache to logits [B, 1, V].
Decode = Callable[[Tensor, Tensor, Tensor | None, Cache], Tensor]
PARTS = {"embed_tokens", "rotary_emb", "layers", "norm"}


class Decoder:
    """Runs one token per row. Hooks on whole layers do not fire, those on what is inside them do."""

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = model.base_model
        self._embed, self._rotary, self._norm = base.embed_tokens, base.rotary_emb, base.norm
        self._layers, self._head = list(base.layers), model.get_output_embeddings()

    def __call__(self, ids: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache) -> Tensor:
        """Logits [B, 1, V] of ids, positions [B, 1]; the mask is ready to use, [B, 1, 1, columns]."""
        states = self._embed(ids)
        rotary = self._rotary(states, position_ids=positions)
        for layer in self._layers:
            # `forward` itself: a module's call costs a tenth of a tiny layer.
            states = layer.forward(
                states,
                attention_mask=mask,
                position_embeddings=rotary,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
        logits: Tensor = self._head(self._norm(states))
        return logits


def find_decoder(model: PreTrainedModel) -> Decode | None:
    """The leanest one that answers exactly as `forward` does, if the model has these parts and no sliding windows."""
    config, base = model.config.get_text_config(), model.base_model
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    if kinds or getattr(config, "sliding_window", None) or not type(model).__module__.startswith("transformers."):
        return None
    if {name for name, _ in base.named_children()} != PARTS or model.get_output_embeddings() is None:
        return None
    return next((decoder for kind in (LeanDecoder, Decoder) if (decoder := _tried(kind, model))), None)


def _tried(kind: Callable[[PreTrainedModel], Decode], model: PreTrainedModel) -> Decode | None:
    try:
        decoder = kind(model)
        return decoder if _agrees(model, decoder) else None
    except (TypeError, AttributeError, ValueError, RuntimeError):
        return None


@torch.inference_mode()
def _agrees(model: PreTrainedModel, decoder: Decode) -> bool:
    def inputs(*ids: int, start: int = 0) -> tuple[Tensor, Tensor]:
        positions = range(start, start + len(ids))
        return torch.tensor([ids], device=model.device), torch.tensor([positions], device=model.device)

    cache = DynamicCache()
    ids, positions = inputs(1, 5, 2)
    model(input_ids=ids, position_ids=positions, past_key_values=cache, use_cache=True)
    ids, positions = inputs(3, start=3)
    driven = decoder(ids, positions, None, deepcopy(cache))
    own: Tensor = model(input_ids=ids, position_ids=positions, past_key_values=cache, use_cache=True).logits
    return torch.equal(own, driven)
