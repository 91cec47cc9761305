"""Linear layers that read the same states. Small ones that are packed become one product: each costs about as much to
call as to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from playground.engine.backends.transformers.packed_linear import Packed, PackedLinear, pack


class JointLinear:
    """`groups` of layers; what those of a group say stands side by side. It is too large: whoever prepares the states
    multiplies them by `unscale`, a power of two, which changes no digit."""

    def __init__(self, *groups: Sequence[nn.Module]) -> None:
        self._whole = _whole([layer for group in groups for layer in group])
        self._forwards = [[layer.forward for layer in group] for group in groups]
        self._widths = [sum(int(layer.out_features) for layer in group) for group in groups] if self._whole else []
        self.unscale = self._whole.unscale if self._whole else 1.0
        self.packed_bytes = self._whole.packed_bytes if self._whole else 0

    def __call__(self, states: Tensor) -> Sequence[Tensor]:
        """States [tokens, in] as one [tokens, out] for each group."""
        if self._whole is None:
            said = [[forward(states) for forward in group] for group in self._forwards]
            return [outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1) for outputs in said]
        return self._whole.of_scaled(states).split_with_sizes(self._widths, -1)


def unscaled(layer: nn.Module) -> tuple[Callable[[Tensor], Tensor], float]:
    """What computes a layer, and what is left to multiply its output by, which costs nothing where that is added."""
    if isinstance(layer, PackedLinear) and layer.bias is None:
        return layer.scaled, layer.unscale
    return layer.forward, 1.0


def _whole(layers: Sequence[nn.Module]) -> Packed | None:
    packed = [layer for layer in layers if isinstance(layer, Packed) and layer.for_one]
    biases = [layer.bias for layer in packed if layer.bias is not None]
    if len(packed) < len(layers) or len(biases) not in (0, len(layers)):
        return None
    weight = torch.cat([layer.weight.to(layer.dtype) for layer in packed])
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bool(biases), device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if biases:
        layer.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    whole = pack(layer)
    if whole:
        whole.weight = nn.Parameter(whole.weight.to("meta"), requires_grad=False)  # each layer has its own part
    return whole
