"""One layer of a model of Llama's kind: attention and MLP in fewer and larger operations than its own `forward`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from playground.engine.backends.transformers.forward.lean_norm import LeanNorm
from playground.engine.backends.transformers.forward.parts import AttentionCall
from playground.engine.backends.transformers.weights.joint_linear import Joined, JointLinear, unscaled

GATED = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class ForwardContext(NamedTuple):
    """What every layer of a forward needs: all `parts`, whose tokens follow each other; cosines and `signed` sines
    [tokens, 1, D]; the attention kernel."""

    parts: Sequence[AttentionCall]
    cos: Tensor
    sin: Tensor
    kernel: Callable[..., tuple[Tensor, Any]]


class LeanLayer:
    """Attention and MLP, each after its norm and added to the states. Calls the `forward` of inner modules directly:
    calling a module costs as much as a small operation."""

    def __init__(self, layer: Any, joined: Joined) -> None:
        attention = self._attention = layer.self_attn
        self._joint = JointLinear([attention.q_proj, attention.k_proj], [attention.v_proj], joined=joined)
        self._output, self._unscale = unscaled(attention.o_proj)
        gated = {name for name, _ in layer.mlp.named_children()} == GATED
        self._feed = GatedFeed(layer.mlp, joined) if gated else PlainFeed(layer.mlp)
        self._first = LeanNorm(layer.input_layernorm, self._joint.unscale)
        self._second = LeanNorm(layer.post_attention_layernorm, self._feed.before)
        self.joint = [whole for whole in (self._joint.whole, self._feed.joint) if whole]

    def __call__(self, states: Tensor, context: ForwardContext) -> Tensor:
        """States [tokens, hidden] after this layer, in place."""
        states.add_(self._attend(self._first(states), context), alpha=self._unscale)
        return states.add_(self._feed(self._second(states)), alpha=self._feed.after)

    def _attend(self, states: Tensor, context: ForwardContext) -> Tensor:
        dim = self._attention.head_dim
        count = states.shape[0]  # `len` of a tensor costs as much as a small operation
        both, values = (output.view(count, -1, dim) for output in self._joint(states))
        both = (both * context.cos).add_(both.roll(dim // 2, -1).mul_(context.sin))
        if len(context.parts) == 1:
            return self._output(self._attend_part(context.parts[0], both, values, context.kernel))
        tokens = [part.tokens for part in context.parts]
        each = zip(context.parts, both.split_with_sizes(tokens), values.split_with_sizes(tokens), strict=True)
        return self._output(torch.cat([self._attend_part(*own, context.kernel) for own in each]))

    def _attend_part(self, part: AttentionCall, both: Tensor, values: Tensor, kernel: Callable[..., Any]) -> Tensor:
        """Queries and keys together and values, [tokens, heads, D], to [tokens, out]."""
        heads = both.shape[1] - values.shape[1]
        queries, keys = part.heads_first(both).tensor_split([heads], 1)
        new = queries, keys, part.heads_first(values)
        return part.attend(self._attention, kernel, *new, self._attention.scaling)


class GatedFeed:
    """The common MLP. `before`, `after`: factors still to be applied to its input and its output."""

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
    """Any other MLP, as the model runs it."""

    before = after = 1.0
    joint = None

    def __init__(self, mlp: Any) -> None:
        self._forward: Callable[[Tensor], Tensor] = mlp.forward

    def __call__(self, states: Tensor) -> Tensor:
        """States [tokens, hidden] to the same."""
        return self._forward(states)
