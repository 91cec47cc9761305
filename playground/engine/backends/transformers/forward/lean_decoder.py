"""One forward of a model of Llama's kind: what its own layers compute, in fewer and larger operations.

Queries and keys are rotated together, and the tokens of all rows stand in one dimension, so that a matrix product needs
no folding. Nothing is rounded otherwise, which `find_decoder` tries, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from playground.engine.backends.transformers.attention.varlen import Ragged
from playground.engine.backends.transformers.forward.lean_norm import LeanNorm
from playground.engine.backends.transformers.forward.parts import (
    Attending,
    Part,
    attending,
    eager_attention,
    newest,
    shared_out,
)
from playground.engine.backends.transformers.forward.rotary_table import RotaryTable
from playground.engine.backends.transformers.weights.bitsandbytes import is_of_bitsandbytes
from playground.engine.backends.transformers.weights.joint_linear import Joined, JointLinear, joined, unscaled
from playground.engine.backends.transformers.weights.packed_linear import Packed

GATED = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class Around(NamedTuple):
    """What every layer of a forward is given: tokens of all `parts`, one part behind the other; cosines and `signed`
    sines [tokens, 1, D]."""

    parts: Sequence[Attending]
    cos: Tensor
    sin: Tensor
    kernel: Callable[..., tuple[Tensor, Any]]


class LeanDecoder:
    """See `PlainDecode`. The linear layers are the model's own, whatever they are exchanged for. Parts join where each
    layer computes a row as it would alone: under LLM.int8() all rows go without the columns in which one has an
    outlier."""

    takes_prompts = True

    def __init__(self, model: PreTrainedModel) -> None:
        base: Any = model.base_model
        self._model, self._base = model, base
        self._embed, self._rotary = base.embed_tokens, RotaryTable(base.rotary_emb, base.norm.weight.data)
        attention = base.layers[0].self_attn
        self._config, self._eager = attention.config, eager_attention(attention)
        self._joined = cache(joined)  # for layers that were exchanged and come back
        self.look_at_layers()

    def look_at_layers(self) -> None:
        """Linear layers may have been exchanged."""
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
        each = [attending(part.ids, part.mask, part.cache) for part in parts]
        states = self._through(ids, each, torch.cat(cos), torch.cat(sin))
        return shared_out(parts, self.logits(states.index_select(0, newest(parts))))

    def states(self, ids: Tensor, positions: Tensor, mask: Tensor | Ragged | None, cache: Cache) -> Tensor:
        """See `PlainDecode`."""
        states = self._through(ids.flatten(), (attending(ids, mask, cache),), *self._rotary(positions))
        return states.view(*ids.shape, -1)

    def logits(self, states: Tensor) -> Tensor:
        """See `PlainDecode`."""
        return self._head(self._norm(states))

    def _through(self, ids: Tensor, parts: Sequence[Attending], cos: Tensor, sin: Tensor) -> Tensor:
        """States [tokens, hidden] after the last layer."""
        states: Tensor = self._embed.forward(ids)
        name = self._config._attn_implementation
        kernel = ALL_ATTENTION_FUNCTIONS.get_interface(name, self._eager)  # type: ignore[arg-type]
        around = Around(parts, cos, sin, kernel)
        for layer in self._layers:
            states = layer(states, around)
        return states


class LeanLayer:
    """Attention and MLP, each after its norm and added to what was. It calls the `forward` of what is inside
    directly: a module's call costs as much as a small operation."""

    def __init__(self, layer: Any, joined: Joined) -> None:
        attention = self._attention = layer.self_attn
        self._joint = JointLinear([attention.q_proj, attention.k_proj], [attention.v_proj], joined=joined)
        self._output, self._unscale = unscaled(attention.o_proj)
        gated = {name for name, _ in layer.mlp.named_children()} == GATED
        self._feed = GatedFeed(layer.mlp, joined) if gated else PlainFeed(layer.mlp)
        self._first = LeanNorm(layer.input_layernorm, self._joint.unscale)
        self._second = LeanNorm(layer.post_attention_layernorm, self._feed.before)
        self.joint = [whole for whole in (self._joint.whole, self._feed.joint) if whole]

    def __call__(self, states: Tensor, around: Around) -> Tensor:
        """States [tokens, hidden] after this layer, in place."""
        states.add_(self._attend(self._first(states), around), alpha=self._unscale)
        return states.add_(self._feed(self._second(states)), alpha=self._feed.after)

    def _attend(self, states: Tensor, around: Around) -> Tensor:
        dim = self._attention.head_dim
        count = states.shape[0]  # `len` of a tensor costs as much as a small operation
        both, values = (said.view(count, -1, dim) for said in self._joint(states))
        both = (both * around.cos).add_(both.roll(dim // 2, -1).mul_(around.sin))
        if len(around.parts) == 1:
            return self._output(self._attend_part(around.parts[0], both, values, around.kernel))
        tokens = [part.tokens for part in around.parts]
        each = zip(around.parts, both.split_with_sizes(tokens), values.split_with_sizes(tokens), strict=True)
        return self._output(torch.cat([self._attend_part(*own, around.kernel) for own in each]))

    def _attend_part(self, part: Attending, both: Tensor, values: Tensor, kernel: Callable[..., Any]) -> Tensor:
        """Queries and keys together and values, [tokens, heads, D], to [tokens, out]."""
        heads = both.shape[1] - values.shape[1]
        queries, keys = part.heads_first(both).tensor_split([heads], 1)
        new = queries, keys, part.heads_first(values)
        return part.attend(self._attention, kernel, *new, self._attention.scaling)


class GatedFeed:
    """The common MLP. `before`, `after`: what its states and its output are still to be multiplied by."""

    def __init__(self, mlp: Any, joined: Joined) -> None:
        self._joint = JointLinear([mlp.gate_proj], [mlp.up_proj], joined=joined)
        self._activate = mlp.act_fn.forward
        self._down, self.after = unscaled(mlp.down_proj)
        self.before, self.joint = self._joint.unscale, self._joint.whole

    def __call__(self, states: Tensor) -> Tensor:
        """States [tokens, hidden] to the same."""
        gate, up = self._joint(states)
        return self._down(self._activate(gate).mul_(up))


class PlainFeed:
    """Any other, as the model runs it."""

    before = after = 1.0
    joint = None

    def __init__(self, mlp: Any) -> None:
        self._forward: Callable[[Tensor], Tensor] = mlp.forward

    def __call__(self, states: Tensor) -> Tensor:
        """States [tokens, hidden] to the same."""
        return self._forward(states)
