"""Linear layers that read the same states. Packed ones become one product: one call, and one larger matrix to share
among threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from playground.engine.backends.transformers.weights.laid_out_linear import LaidOutLinear
from playground.engine.backends.transformers.weights.packed_linear import Packed, PackedLinear, pack

Joined = Callable[[tuple[Any, ...]], Packed | None]


class Layer(Protocol):
    """A linear layer of any library, which an adapter may wrap."""

    out_features: int

    def forward(self, states: Tensor, /) -> Tensor:
        """States [..., in] to [..., out]."""


class JointLinear:
    """One tensor for each of the `groups` of layers, their outputs side by side. The joined weight is scaled up: the
    caller multiplies the states by `unscale`, a power of two, so exactly. `joined` makes the joint layer, `whole`."""

    def __init__(self, *groups: Sequence[Layer], joined: Joined) -> None:
        layers = tuple(layer for group in groups for layer in group)
        self.whole = joined(layers) if _go_together(layers) else None
        for layer in layers:
            own = getattr(layer, "base_layer", layer)  # unless an adapter wraps it
            if isinstance(own, LaidOutLinear):
                own.part(joined=self.whole is not None)
        self._forwards = [[layer.forward for layer in group] for group in groups]
        self._widths = [sum(layer.out_features for layer in group) for group in groups] if self.whole else []
        self.unscale = self.whole.unscale if self.whole else 1.0

    def __call__(self, states: Tensor) -> Sequence[Tensor]:
        """States [tokens, in] to one [tokens, out] per group."""
        if self.whole is None:
            groups = [[forward(states) for forward in group] for group in self._forwards]
            return [outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1) for outputs in groups]
        return self.whole.of_scaled(states).split_with_sizes(self._widths, -1)


def unscaled(layer: nn.Module) -> tuple[Callable[[Tensor], Tensor], float]:
    """A function that computes the layer, and the factor still to apply to its output, which costs nothing where that
    is added to something."""
    if isinstance(layer, PackedLinear) and layer.bias is None:
        return layer.scaled, layer.unscale
    return layer.forward, 1.0


def _go_together(layers: Sequence[Layer]) -> bool:
    """Whether all are packed, for one dtype, and either all have biases or none has."""
    packed = [layer for layer in layers if isinstance(layer, Packed) and layer.joins]
    return len(packed) == len(layers) and len({(layer.dtype, layer.bias is None) for layer in packed}) == 1


def joined(layers: tuple[Packed, ...]) -> Packed | None:
    """One layer with the outputs of all side by side; None if their weights do not fit into one packing."""
    weight = torch.cat([layer.weight.to(layer.dtype) for layer in layers])
    biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bool(biases), device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if biases:
        layer.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    whole = pack(layer)
    if whole:
        whole.weight = nn.Parameter(whole.weight.to("meta"), requires_grad=False)  # each layer has its own part
    return whole
