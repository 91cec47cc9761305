"""One forward of a model of Llama's kind: what its own layers compute, in fewer and larger operations.

Queries and keys are rotated together. The tokens of all rows share one dimension, so that matrix products need no
reshaping. The rounding is the same, which `find_decoder` verifies bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.transformers.attention.varlen import Ragged
from playground.engine.backends.transformers.forward.lean_layer import ForwardContext, LeanLayer
from playground.engine.backends.transformers.forward.lean_norm import LeanNorm
from playground.engine.backends.transformers.forward.parts import (
    AttentionCall,
    Part,
    attention_call,
    eager_attention,
    newest,
    shared_out,
)
from playground.engine.backends.transformers.forward.rotary_table import RotaryTable
from playground.engine.backends.transformers.weights.bitsandbytes import is_of_bitsandbytes
from playground.engine.backends.transformers.weights.joint_linear import joined, unscaled
from playground.engine.backends.transformers.weights.packed_linear import Packed


class LeanDecoder:
    """See `PlainDecode`. Uses the model's own linear layers, whatever they are exchanged for. Parts join only if each
    layer computes a row as it would alone: LLM.int8() does not, since all rows lose the columns in which one has an
    outlier."""

    takes_prompts = True

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = model.base_model
        self._model, self._base = model, base
        self._embed, self._rotary = base.embed_tokens, RotaryTable(base.rotary_emb, base.norm.weight.data)
        attention = base.layers[0].self_attn
        self._config, self._eager = attention.config, eager_attention(attention)
        self._joined = cache(joined)  # so that layers that come back after an exchange are not joined again
        self.refresh_layers()

    def refresh_layers(self) -> None:
        """Read the model's linear layers again, after they were exchanged."""
        self._layers = [LeanLayer(layer, self._joined) for layer in self._base.layers]
        self._head, unscale = unscaled(self._model.get_output_embeddings())
        self._norm = LeanNorm(self._base.norm, unscale)
        self.joins = not any(is_of_bitsandbytes(module, "Linear8bitLt") for module in self._base.modules())

    @property
    def joint(self) -> list[Packed]:
        """See `Decode`."""
        return [whole for layer in self._layers for whole in layer.joint]

    def __call__(
        self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache, keep: int = 1
    ) -> Tensor:
        """See `Decode`."""
        newest = self.states(ids, positions, mask, cache)[:, -keep:]
        return self.logits(newest.flatten(0, 1)).view(len(ids), keep, -1)

    def together(self, parts: Sequence[Part]) -> list[Tensor]:
        """See `Decode`."""
        cos, sin = zip(*(self._rotary(part.positions) for part in parts), strict=True)
        ids = torch.cat([part.ids.flatten() for part in parts])
        each = [attention_call(part.ids, part.mask, part.cache) for part in parts]
        states = self._through(ids, each, torch.cat(cos), torch.cat(sin))
        return shared_out(parts, self.logits(states.index_select(0, newest(parts))))

    def states(self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache) -> Tensor:
        """See `PlainDecode`."""
        states = self._through(ids.flatten(), (attention_call(ids, mask, cache),), *self._rotary(positions))
        return states.view(*ids.shape, -1)

    def logits(self, states: Tensor) -> Tensor:
        """See `PlainDecode`."""
        return self._head(self._norm(states))

    def _through(self, ids: Tensor, parts: Sequence[AttentionCall], cos: Tensor, sin: Tensor) -> Tensor:
        """States [tokens, hidden] after the last layer."""
        states: Tensor = self._embed.forward(ids)
        name = self._config._attn_implementation
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(name, self._eager)  # type: ignore[arg-type]
        context = ForwardContext(parts, cos, sin, kernel)
        for layer in self._layers:
            states = layer(states, context)
        return states
