"""A weight in the order in which oneDNN reads it.

PyTorch passes oneDNN a row-major weight, which it repacks in every product: with few rows that takes a third of the
time. Packed once, the product has the same bits, which is verified on this CPU.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor


class OneDnnWeight:
    """See `LaidOut`. `weight` [out, in] in bfloat16."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._laid_out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)
        self._bias = bias

    @property
    def bytes(self) -> int:
        """See `LaidOut`."""
        return int(torch.ops.mkldnn._nbytes(self._laid_out))

    def dense(self) -> Tensor:
        """See `LaidOut`."""
        return self._laid_out.to_dense()

    def __call__(self, states: Tensor) -> Tensor:
        """See `LaidOut`."""
        output: Tensor = torch.ops.mkldnn._linear_pointwise(states, self._laid_out, self._bias, "none", [], "")
        return output


def can_lay_out() -> bool:
    """Whether this CPU multiplies in bfloat16, and this build of PyTorch can pack weights for it."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported() and _agrees()


@cache
def _agrees() -> bool:
    """Whether products of few and many rows, with a bias and without, have the bits of PyTorch's own."""
    draw = torch.Generator().manual_seed(0)
    rows, weight, bias = (torch.randn(*shape, generator=draw).bfloat16() for shape in ((40, 600), (72, 600), (72,)))
    try:
        with torch.inference_mode():
            return all(
                torch.equal(OneDnnWeight(weight, added)(rows[:count]), F.linear(rows[:count], weight, added))
                for count in (1, 2, 8, 40)
                for added in (None, bias)
            )
    except (AttributeError, RuntimeError):
        return False
