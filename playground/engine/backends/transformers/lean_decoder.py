"""One decode step of a model of Llama's kind: what its own layers compute, in fewer and larger operations.

Queries and keys are rotated together, a norm is one call, and rows stand in two dimensions, so that a matrix product
needs no folding. Nothing is rounded otherwise, which `find_decoder` tries, bit for bit.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS


class LeanDecoder:
    """See `Decoder`. The linear layers are the model's own, whatever they are exchanged for."""

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = model.base_model
        self._embed, self._rotary, self._norm = base.embed_tokens, base.rotary_emb, LeanNorm(base.norm)
        self._layers, self._head = [LeanLayer(layer) for layer in base.layers], model.get_output_embeddings()

    def __call__(self, ids: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache) -> Tensor:
        """See `Decoder`."""
        states = self._embed(ids)
        cos, sin = self._rotary(states, position_ids=positions)
        states, sin = states.squeeze(1), signed(sin)
        for layer in self._layers:
            states = layer(states, mask, cos, sin, cache)
        logits: Tensor = self._head(self._norm(states))
        return logits.unsqueeze(1)


class LeanLayer:
    """Attention and MLP, each after its norm and added to what was."""

    def __init__(self, layer: Any) -> None:
        self._attention, self._mlp = layer.self_attn, layer.mlp
        self._first, self._second = LeanNorm(layer.input_layernorm), LeanNorm(layer.post_attention_layernorm)
        self._eager = getattr(sys.modules[type(self._attention).__module__], "eager_attention_forward", None)

    def __call__(self, states: Tensor, mask: Tensor | None, cos: Tensor, sin: Tensor, cache: Cache) -> Tensor:
        """States [B, hidden] after this layer; cosines and `signed` sines [B, 1, D]."""
        states = states + self._attend(self._first(states), mask, cos, sin, cache)
        return states + self._mlp(self._second(states))

    def _attend(self, states: Tensor, mask: Tensor | None, cos: Tensor, sin: Tensor, cache: Cache) -> Tensor:
        attention, rows, dim = self._attention, len(states), self._attention.head_dim
        both = torch.cat((attention.q_proj(states), attention.k_proj(states)), -1).view(rows, -1, dim)
        both = (both * cos).add_(both.roll(dim // 2, -1).mul_(sin))
        values = attention.v_proj(states).view(rows, -1, 1, dim)
        queries, keys = both.unsqueeze(2).tensor_split([both.shape[1] - values.shape[1]], 1)
        keys, values = cache.update(keys, values, attention.layer_idx)
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, self._eager)
        attended, _ = kernel(attention, queries, keys, values, mask, dropout=0.0, scaling=attention.scaling)
        output: Tensor = attention.o_proj(attended.reshape(rows, -1))
        return output


class LeanNorm:
    """RMSNorm."""

    def __init__(self, norm: Any) -> None:
        self._weight, self._eps = norm.weight, norm.variance_epsilon

    def __call__(self, states: Tensor) -> Tensor:
        """Normed states of the same shape."""
        return F.rms_norm(states, self._weight.shape, self._weight, self._eps)


def signed(sin: Tensor) -> Tensor:
    """Sines [..., D] for halves exchanged by `roll`: those of the first half negated."""
    first, second = sin.chunk(2, -1)
    return torch.cat((-first, second), -1)
