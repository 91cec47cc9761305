"""Quantize blocks of keys and values: keys per channel, values per token (KIVI, https://arxiv.org/abs/2402.02750).

A group keeps a step in float16 and where its codes begin: for int8 its smallest value in float16; for int4 and int2,
where that would weigh too much, a zero point of one byte in steps; fp8 is signed and needs none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

BITS = {"fp8": 8, "int8": 8, "int4": 4, "int2": 2}
TOKENS, CHANNELS = 1, 3
# Of the dequantized float32 at a time: what stays in the caches, in few calls.
GROUP_ELEMENTS = 2**18
FP8, FP8_MAX, FP8_HALF_SHIFT = torch.float8_e4m3fn, 448.0, 256.0
ZERO_STEPS = 127
TINY = torch.finfo(torch.float16).tiny


@dataclass(frozen=True)
class Quantized:
    """Blocks [n, size, H, D] as codes [n, size * bits / 8, H, D] of one byte, with `step` and `low` (float16, or a zero
    point in steps as int8; none for fp8) over the grouped axis."""

    codes: Tensor
    step: Tensor
    low: Tensor | None


def low_dtype(kind: str) -> torch.dtype | None:
    """How a group says where its codes begin."""
    return {"fp8": None, "int8": torch.float16}.get(kind, torch.int8)


def quantize(blocks: Tensor, kind: str, axis: int) -> Quantized:
    """`axis`: what a group runs over: `TOKENS` for keys (a step per channel), `CHANNELS` for values (one per token)."""
    blocks = blocks.float()
    if kind == "fp8":
        step = (blocks.abs().amax(axis, keepdim=True) / FP8_MAX).half().clamp_min(TINY)
        codes = (blocks / step.float()).clamp_(-FP8_MAX, FP8_MAX).to(FP8).view(torch.uint8)
        return Quantized(codes, step, None)
    low, high, levels = blocks.amin(axis, keepdim=True), blocks.amax(axis, keepdim=True), 2 ** BITS[kind] - 1
    step = (high - low) / levels
    if low_dtype(kind) == torch.int8:
        step = torch.maximum(step, low.abs() / ZERO_STEPS).half().clamp_min(TINY)
        low = (low / step.float()).round_().clamp_(-ZERO_STEPS, ZERO_STEPS).to(torch.int8)
    else:
        low = low.half()
        step = ((high - low.float()) / levels).half().clamp_min(TINY)
    codes = ((blocks - _begin(low, step)) / step.float()).round_().clamp_(0, levels).to(torch.uint8)
    return Quantized(_pack(codes, BITS[kind]), step, low)


def dequantize(blocks: Quantized, kind: str, out: Tensor) -> None:
    """Write the stored view into `out` [n, size, H, D], some blocks at a time: the same numbers whoever reads them,
    computed in float32 and rounded once."""
    group = max(1, GROUP_ELEMENTS // out[0].numel()) if len(out) else 1
    step = blocks.step.float()
    begin = step.mul_(FP8_HALF_SHIFT) if blocks.low is None else _begin(blocks.low, step)
    for at in range(0, len(out), group):
        part = slice(at, at + group)
        _dequantize(blocks.codes[part], step[part], begin[part], kind, out[part])


def _dequantize(codes: Tensor, step: Tensor, begin: Tensor, kind: str, out: Tensor) -> None:
    wide = out if out.dtype == torch.float32 else out.new_empty(out.shape, dtype=torch.float32)
    if kind == "fp8":
        wide.copy_(_from_fp8(codes)).mul_(step)
    else:
        for part, values in zip(wide.chunk(8 // BITS[kind], TOKENS), _unpacked(codes, BITS[kind]), strict=True):
            part.copy_(values)
        wide.mul_(step).add_(begin)
    if wide is not out:
        out.copy_(wide)


def _begin(low: Tensor, step: Tensor) -> Tensor:
    return low.float() * step.float() if low.dtype == torch.int8 else low.float()


def _from_fp8(codes: Tensor) -> Tensor:
    """e4m3 as float16 of the same bits, 2**8 too small: many times faster than PyTorch's own conversion on a CPU."""
    return codes.view(torch.int8).to(torch.int16).bitwise_left_shift_(7).bitwise_and_(~0x4000).view(torch.float16)


def _pack(codes: Tensor, bits: int) -> Tensor:
    """Halves or quarters of a block's tokens share bytes, so that each of them is unpacked in one stretch."""
    if bits == 8:
        return codes
    parts = codes.unflatten(TOKENS, (8 // bits, -1))
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=codes.device).view(-1, 1, 1, 1)
    return (parts << shifts).sum(TOKENS, dtype=torch.uint8)


def _unpacked(codes: Tensor, bits: int) -> Iterator[Tensor]:
    """The parts that share bytes, in the order of their tokens."""
    for shift in range(0, 8, bits):
        # The lowest part needs no shift, the highest no mask.
        shifted = codes >> shift if shift else codes
        yield shifted & (2**bits - 1) if shift + bits < 8 else shifted
