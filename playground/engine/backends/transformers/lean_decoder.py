"""One forward of a model of Llama's kind: what its own layers compute, in fewer and larger operations.

Queries and keys are rotated together, and the tokens of all rows stand in one dimension, so that a matrix product needs
no folding. Nothing is rounded otherwise, which `find_decoder` tries, bit for bit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.transformers.kv_cache import Watch

GATED = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class Around(NamedTuple):
    """What every layer of a forward is given; cosines and `signed` sines [tokens, 1, D]."""

    rows: int
    mask: Tensor | None
    cos: Tensor
    sin: Tensor
    cache: Cache
    kernel: Callable[..., tuple[Tensor, Any]]
    watch: Watch | None

    def heads_first(self, states: Tensor) -> Tensor:
        """States [tokens, heads, D] as [B, heads, q, D]."""
        return states.view(self.rows, -1, *states.shape[1:]).transpose(1, 2)


class LeanDecoder:
    """See `Decode`. The linear layers are the model's own, whatever they are exchanged for."""

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = model.base_model
        self._embed, self._rotary, self._norm = base.embed_tokens, base.rotary_emb, LeanNorm(base.norm)
        self._layers, self._head = [LeanLayer(layer) for layer in base.layers], model.get_output_embeddings()
        attention = base.layers[0].self_attn
        self._config = attention.config
        self._eager = getattr(sys.modules[type(attention).__module__], "eager_attention_forward", None)

    def __call__(self, ids: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache, keep: int = 1) -> Tensor:
        """See `Decode`."""
        rows = len(ids)
        states = self._embed(ids)
        cos, sin = (angles.flatten(0, 1).unsqueeze(1) for angles in self._rotary(states, position_ids=positions))
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(self._config._attn_implementation, self._eager)
        around = Around(rows, mask, cos, signed(sin), cache, kernel, getattr(cache, "watch", None))
        states = states.flatten(0, 1)
        for layer in self._layers:
            states = layer(states, around)
        newest = states.view(rows, -1, states.shape[-1])[:, -keep:]
        logits: Tensor = self._head(self._norm(newest.flatten(0, 1)))
        return logits.view(rows, keep, -1)


class LeanLayer:
    """Attention and MLP, each after its norm and added to what was. `forward` itself of what is inside: a module's call
    costs as much as a small operation."""

    def __init__(self, layer: Any) -> None:
        self._attention, self._mlp = layer.self_attn, layer.mlp
        self._first, self._second = LeanNorm(layer.input_layernorm), LeanNorm(layer.post_attention_layernorm)
        self._feed = self._gated if {name for name, _ in self._mlp.named_children()} == GATED else self._mlp.forward

    def __call__(self, states: Tensor, around: Around) -> Tensor:
        """States [tokens, hidden] after this layer."""
        states = self._attend(self._first(states), around).add_(states)
        return self._feed(self._second(states)).add_(states)

    def _attend(self, states: Tensor, around: Around) -> Tensor:
        attention, dim = self._attention, self._attention.head_dim
        both = torch.cat((attention.q_proj.forward(states), attention.k_proj.forward(states)), -1)
        both = both.view(len(states), -1, dim)
        both = (both * around.cos).add_(both.roll(dim // 2, -1).mul_(around.sin))
        values = around.heads_first(attention.v_proj.forward(states).view(len(states), -1, dim))
        queries, keys = around.heads_first(both).tensor_split([both.shape[1] - values.shape[1]], 1)
        keys, values = around.cache.update(keys, values, attention.layer_idx)
        attended, _ = around.kernel(
            attention, queries, keys, values, around.mask, dropout=0.0, scaling=attention.scaling
        )
        if around.watch:
            around.watch.end()
        output: Tensor = attention.o_proj.forward(attended.reshape(len(states), -1))
        return output

    def _gated(self, states: Tensor) -> Tensor:
        mlp = self._mlp
        output: Tensor = mlp.down_proj.forward(
            mlp.act_fn.forward(mlp.gate_proj.forward(states)).mul_(mlp.up_proj.forward(states))
        )
        return output


class LeanNorm:
    """RMSNorm, fused where that rounds as the model's own does: in half precision the weight may come before or after
    the rounding."""

    def __init__(self, norm: Any) -> None:
        self._weight, self._eps = norm.weight, norm.variance_epsilon
        small = self._weight.device.type == "cpu" and self._weight.dtype == torch.float32
        # Numbers as tensors of their dtype: PyTorch would convert them each time.
        self._numbers = [torch.tensor(float(n)) for n in (len(self._weight), self._eps)] if small else []
        self._own: Callable[[Tensor], Tensor] | None = None
        with torch.inference_mode():
            sample = torch.linspace(-3, 3, 8 * len(self._weight)).view(8, -1).to(self._weight)
            if not torch.equal(self(sample), norm.forward(sample)):
                self._own = norm.forward

    def __call__(self, states: Tensor) -> Tensor:
        """Normed states of the same shape."""
        if self._own is not None:
            return self._own(states)
        if not self._numbers:
            return F.rms_norm(states, self._weight.shape, self._weight, self._eps)
        count, eps = self._numbers  # the fused one is made of slower parts on a CPU
        scale = (states * states).sum(-1, True).div_(count).add_(eps).rsqrt_()
        return (states * scale).mul_(self._weight)


def signed(sin: Tensor) -> Tensor:
    """Sines [..., D] for halves exchanged by `roll`: those of the first half negated."""
    first, second = sin.chunk(2, -1)
    return torch.cat((-first, second), -1)
