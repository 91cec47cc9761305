"""RMSNorm of small states in few operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LeanNorm:
    """RMSNorm, fused if that rounds as the model's own does: in half precision the weight may come before or after the
    rounding."""

    def __init__(self, norm: Any, factor: float) -> None:
        self._eps, self._factor = norm.variance_epsilon, factor
        # A power of two changes no digit, before or after the sum. A CUDA graph copies in, at each replay, what is no
        # parameter.
        self._weight = nn.Parameter(norm.weight.data * factor, requires_grad=False)
        # Numbers as tensors: PyTorch would convert them in each call.
        numbers = (len(self._weight), self._eps) if self._weight.device.type == "cpu" else ()
        self._numbers = [torch.tensor(float(number)) for number in numbers]
        self._own: Callable[[Tensor], Tensor] | None = None
        with torch.inference_mode():
            sample = torch.linspace(-3, 3, 8 * len(self._weight)).view(8, -1).to(self._weight)
            if not torch.equal(self(sample), norm.forward(sample) * factor):
                self._own = norm.forward

    def __call__(self, states: Tensor) -> Tensor:
        """Normed states of the same shape, times `factor`."""
        if self._own is not None:
            return self._own(states) if self._factor == 1 else self._own(states).mul_(self._factor)
        if not self._numbers:
            return F.rms_norm(states, self._weight.shape, self._weight, self._eps)
        count, eps = self._numbers  # on a CPU the fused operator consists of slower parts
        exact = states.float()
        scale = (exact * exact).sum(-1, True).div_(count).add_(eps).rsqrt_()
        return (exact * scale).to(states.dtype).mul_(self._weight)
