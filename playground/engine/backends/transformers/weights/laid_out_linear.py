"""Linear layers in bfloat16 whose weights are stored as the product reads them fastest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.engine.backends.transformers.weights import opaque_linear
from playground.engine.backends.transformers.weights.onednn_weight import OneDnnWeight


class LaidOut(Protocol):
    """A weight with its bias, ready for the product."""

    @property
    def bytes(self) -> int:
        """Bytes of the laid-out weight."""

    def dense(self) -> Tensor:
        """The weight [out, in], bit for bit."""

    def __call__(self, states: Tensor) -> Tensor:
        """Bfloat16 [..., in] to [..., out]."""


LayOut = Callable[[Tensor, Tensor | None], LaidOut]


class LaidOutLinear(nn.Linear):
    """A linear layer that computes with its weight laid out. The plain weight stays available."""

    dtype, joins, unscale = torch.bfloat16, True, 1.0  # see `PackedLinear`

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.train(layer.training)
        self._bias = None if layer.bias is None else layer.bias.data  # looking up a module's parameters is slow
        self._kind: LayOut = OneDnnWeight
        self._laid_out: LaidOut | None = OneDnnWeight(layer.weight.data, self._bias)
        opaque_linear.register(self)

    @property
    def packed_bytes(self) -> int:
        """Bytes of the laid-out weight."""
        return 0 if self._laid_out is None else self._laid_out.bytes

    def part(self, joined: bool) -> None:
        """Set whether another layer computes this one's part. If so, nothing is laid out twice, and this layer still
        has its plain weight."""
        if joined:
            self._laid_out = None
        elif self._laid_out is None:
            self._laid_out = self._kind(self.weight.data, self._bias)

    def lay_out(self, kind: LayOut) -> None:
        """Lay the weight out for another product."""
        if kind is not self._kind and self._laid_out is not None:
            self._laid_out = kind(self._laid_out.dense(), self._bias)
        self._kind = kind

    def forward(self, states: Tensor) -> Tensor:
        """Bfloat16 [..., in] to [..., out]."""
        if torch.compiler.is_compiling():
            return opaque_linear.called(self, states)
        if self._laid_out is None:
            return F.linear(states, self.weight, self._bias)
        return self._laid_out(states)

    of_scaled = eager = forward


def stand_alone(model: nn.Module) -> None:
    """Let each layer compute by itself, whatever was joined."""
    for layer in laid_out(model.modules()):
        layer.part(joined=False)


def laid_out(modules: Iterable[object]) -> list[LaidOutLinear]:
    """The `LaidOutLinear` layers among `modules`."""
    return [module for module in modules if isinstance(module, LaidOutLinear)]
