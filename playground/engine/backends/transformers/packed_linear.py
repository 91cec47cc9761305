"""Float32 products with weights that a checkpoint brought in 16 bits: they are read as 16 bits, with nothing lost.

A checkpoint in bfloat16 computes in float32 on most CPUs, where a step of a few rows takes as long as its weights take
to read. FBGEMM, which comes with PyTorch, keeps float16 in the order in which it reads them and computes in float32.
A bfloat16 number has fewer digits than float16 and a wider range: times a power of two, which changes no digit, those
of a model fit. Whether all of a layer do is looked at; if one does not, the layer stays as it was.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

# FBGEMM rounds a matrix up to so many inputs and outputs.
INPUTS, OUTPUTS = 512, 16
# Below the largest exponent of float16.
EXPONENT = 15


class PackedLinear(nn.Linear):
    """A linear layer that computes with its weight times `scale`, packed. The weight itself stays for whoever asks."""

    def __init__(self, layer: nn.Linear, scale: Tensor, unscale: Tensor) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.train(layer.training)
        self._packed, self._unscale = torch.fbgemm_pack_gemm_matrix_fp16(layer.weight * scale), unscale
        # The name of the product under which a compiler is told its shape cannot leave the bias out.
        self._addend = torch.zeros(layer.out_features) if layer.bias is None else layer.bias.data

    @property
    def packed_bytes(self) -> int:
        """Bytes of the packed weight."""
        rounded = (-(-self.in_features // INPUTS) * INPUTS, -(-self.out_features // OUTPUTS) * OUTPUTS)
        return math.prod(rounded) * torch.float16.itemsize

    def forward(self, states: Tensor) -> Tensor:
        """Float32 [..., in] to [..., out]."""
        if torch.compiler.is_compiling():
            # Scaled before the product, where the compiler makes it part of what comes before.
            product: Callable[..., Tensor] = torch.ops._quantized.wrapped_fbgemm_linear_fp16_weight
            return product(states * self._unscale, self._packed, self._addend, self.out_features)
        output = torch.fbgemm_linear_fp16_weight_fp32_activation(states, self._packed, None).mul_(self._unscale)
        return output if self.bias is None else output.add_(self.bias)


@torch.no_grad()
def pack_weights(model: PreTrainedModel) -> None:
    """Exchange every linear layer in float32 whose weights are those of 16 bits, the head included."""
    if not can_pack():
        return
    layers = {
        path: module
        for path, module in model.named_modules()
        if type(module) is nn.Linear and module.weight.dtype == torch.float32
    }
    largest = torch.stack([torch.zeros(()), *(layer.weight.abs().max() for layer in layers.values())]).max()
    if not largest.isfinite():
        return
    scale = torch.tensor(2.0 ** (EXPONENT - math.frexp(float(largest))[1]))
    unscale = 1 / scale
    for path, layer in layers.items():
        scaled = layer.weight * scale
        if torch.equal(scaled.half().float(), scaled):
            model.set_submodule(path, PackedLinear(layer, scale, unscale))


@cache
def can_pack() -> bool:
    """This build of PyTorch has FBGEMM, and the CPU what that needs. Asked once: it warns that it may go one day."""
    one = torch.eye(OUTPUTS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            packed = torch.fbgemm_pack_gemm_matrix_fp16(one)
            return torch.equal(torch.fbgemm_linear_fp16_weight_fp32_activation(one, packed, None), one)
    except (AttributeError, RuntimeError):
        return False
