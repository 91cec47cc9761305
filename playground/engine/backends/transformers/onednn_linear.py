"""Products in bfloat16 with weights in the order in which oneDNN reads them.

PyTorch hands oneDNN a weight row by row, to be laid out anew in every product: with few rows that takes a third of the
time. Laid out once, the product has the same bits, which is tried on this CPU.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.engine.backends.transformers import opaque_linear


class OneDnnLinear(nn.Linear):
    """A linear layer that computes with its weight laid out for oneDNN. The weight itself stays for whoever asks."""

    dtype, joins, unscale = torch.bfloat16, True, 1.0  # see `PackedLinear`

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.train(layer.training)
        self._laid_out: Tensor | None = _lay_out(layer.weight.data)
        self._bias = None if layer.bias is None else layer.bias.data  # a module finds its parameters slowly
        opaque_linear.register(self)

    @property
    def packed_bytes(self) -> int:
        """Bytes of what is laid out."""
        return 0 if self._laid_out is None else int(torch.ops.mkldnn._nbytes(self._laid_out))

    def part(self, joined: bool) -> None:
        """Whether another layer computes this one's part: then nothing is laid out twice, and who asks this one still
        has its weight."""
        if joined:
            self._laid_out = None
        elif self._laid_out is None:
            self._laid_out = _lay_out(self.weight.data)

    def forward(self, states: Tensor) -> Tensor:
        """Bfloat16 [..., in] to [..., out]."""
        if torch.compiler.is_compiling():
            return opaque_linear.called(self, states)
        if self._laid_out is None:
            return F.linear(states, self.weight, self._bias)
        return _product(states, self._laid_out, self._bias)

    of_scaled = eager = forward


def can_lay_out() -> bool:
    """This CPU multiplies in bfloat16, and this build of PyTorch lets weights be laid out for it."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported() and _agrees()


def stand_alone(model: nn.Module) -> None:
    """Each layer computes by itself, whatever was joined."""
    for module in model.modules():
        if isinstance(module, OneDnnLinear):
            module.part(joined=False)


def _lay_out(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight)  # type: ignore[no-any-return]


def _product(states: Tensor, laid_out: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(states, laid_out, bias, "none", [], "")  # type: ignore[no-any-return]


@cache
def _agrees() -> bool:
    """Few rows and many, with a bias and without, have the bits of PyTorch's own product."""
    draw = torch.Generator().manual_seed(0)
    rows, weight, bias = (torch.randn(*shape, generator=draw).bfloat16() for shape in ((40, 600), (72, 600), (72,)))
    try:
        with torch.inference_mode():
            laid_out = _lay_out(weight)
            return all(
                torch.equal(_product(rows[:count], laid_out, added), F.linear(rows[:count], weight, added))
                for count in (1, 2, 8, 40)
                for added in (None, bias)
            )
    except (AttributeError, RuntimeError):
        return False
