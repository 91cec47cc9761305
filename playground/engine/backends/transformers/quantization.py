"""Quantize blocks of keys and values: keys per channel, values per token (KIVI, https://arxiv.org/abs/2402.02750).

A group keeps its smallest value and its step in float16: a channel far from zero, as key biases make them, then costs
no more precision than one around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BITS = {"int8": 8, "int4": 4, "int2": 2}
TOKENS, CHANNELS = 1, 3


@dataclass(frozen=True)
class Quantized:
    """Blocks [n, size, H, D] as codes [n, size, H, D * bits / 8] with `step` and `low` over the grouped axis."""

    codes: Tensor
    step: Tensor
    low: Tensor


def quantize(blocks: Tensor, bits: int, axis: int) -> Quantized:
    """`axis`: what a group runs over: `TOKENS` for keys (a step per channel), `CHANNELS` for values (one per token)."""
    blocks = blocks.float()
    low, high = blocks.amin(axis, keepdim=True), blocks.amax(axis, keepdim=True)
    low = low.half()
    levels = 2**bits - 1
    step = ((high - low.float()) / levels).half().clamp_min(torch.finfo(torch.float16).tiny)
    codes = ((blocks - low.float()) / step.float()).round_().clamp_(0, levels).to(torch.uint8)
    return Quantized(_pack(codes, bits), step, low)


def dequantize(blocks: Quantized, bits: int, dtype: torch.dtype) -> Tensor:
    """The stored view [n, size, H, D]: the same numbers whoever reads them."""
    codes = _unpack(blocks.codes, bits).to(dtype)
    return codes.mul_(blocks.step.to(dtype)).add_(blocks.low.to(dtype))


def _pack(codes: Tensor, bits: int) -> Tensor:
    if bits == 8:
        return codes
    parts = codes.unflatten(-1, (-1, 8 // bits))
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=codes.device)
    return (parts << shifts).sum(-1, dtype=torch.uint8)


def _unpack(codes: Tensor, bits: int) -> Tensor:
    if bits == 8:
        return codes
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=codes.device)
    return ((codes.unsqueeze(-1) >> shifts) & (2**bits - 1)).flatten(-2)
