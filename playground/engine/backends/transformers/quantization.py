"""Quantize blocks of keys and values: keys per channel, values per token (KIVI, https://arxiv.org/abs/2402.02750).

A group keeps a step in float16 and where its codes begin: its smallest value in float16, or for keys in int4 and int2
a zero point of one byte in steps; fp8 is signed and needs none. Values in int4 and int2 are rows of `token_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from playground.engine.backends.transformers.token_rows import pack_rows, unpack_rows

BITS = {"fp8": 8, "int8": 8, "int4": 4, "int2": 2}
TOKENS, CHANNELS = 1, 3
# Of the dequantized float32 at a time: what stays in the caches, in few calls.
GROUP_ELEMENTS = 2**18
FP8, FP8_MAX, FP8_HALF_SHIFT = torch.float8_e4m3fn, 448.0, 256.0
ZERO_STEPS = 127
TINY = torch.finfo(torch.float16).tiny


def low_dtype(kind: str, axis: int) -> torch.dtype | None:
    """How a group says where its codes begin."""
    return {"fp8": None, "int8": torch.float16}.get(kind, torch.int8 if axis == TOKENS else torch.float16)


def in_rows(kind: str, axis: int) -> bool:
    """Whether a token's codes, step and smallest value lie in one row of bytes."""
    return BITS[kind] < 8 and axis == CHANNELS


def quantize(blocks: Tensor, kind: str, axis: int) -> list[Tensor]:
    """Blocks [n, size, H, D] as rows of bytes [n, size, H, D * bits / 8 + 4], or as codes [n, size * bits / 8, H, D] of
    one byte, with a step and where codes begin over the grouped axis (none for fp8). `axis`: what a group runs over:
    `TOKENS` for keys (a step per channel), `CHANNELS` for values (one per token)."""
    blocks, bits = blocks.float(), BITS[kind]
    if kind == "fp8":
        step = (blocks.abs().amax(axis, keepdim=True) / FP8_MAX).half().clamp_min(TINY)
        return [(blocks / step.float()).clamp_(-FP8_MAX, FP8_MAX).to(FP8).view(torch.uint8), step]
    low, high, levels = blocks.amin(axis, keepdim=True), blocks.amax(axis, keepdim=True), 2**bits - 1
    step = (high - low) / levels
    if low_dtype(kind, axis) == torch.int8:
        step = torch.maximum(step, low.abs() / ZERO_STEPS).half().clamp_min(TINY)
        low = (low / step.float()).round_().clamp_(-ZERO_STEPS, ZERO_STEPS).to(torch.int8)
    else:
        low = low.half()
        step = ((high - low.float()) / levels).half().clamp_min(TINY)
    codes = ((blocks - _begin(low, step)) / step.float()).round_().clamp_(0, levels).to(torch.uint8)
    return [pack_rows(codes, step, low, bits)] if in_rows(kind, axis) else [_pack(codes, bits), step, low]


def dequantize(parts: Sequence[Tensor], kind: str, axis: int, out: Tensor) -> None:
    """Write the stored view into `out` [n, size, H, D], some blocks at a time: the same numbers whoever reads them,
    computed in float32 and rounded once."""
    if not len(out):
        return
    group = max(1, GROUP_ELEMENTS // out[0].numel())
    if in_rows(kind, axis):
        for some, rows in zip(out.split(group), parts[0].split(group), strict=True):
            some.copy_(unpack_rows(rows, BITS[kind]))
        return
    codes, step, *low = parts
    step = step.float()
    affine = [_shared(step, BITS[kind]), _begin(*low, step)] if low else [step.mul_(FP8_HALF_SHIFT)]
    for part in zip(*(part.split(group) for part in (out, codes, *affine)), strict=True):
        _dequantize(*part, kind=kind)


def _dequantize(out: Tensor, codes: Tensor, step: Tensor, begin: Tensor | None = None, *, kind: str) -> None:
    wide, bits = out if out.dtype == torch.float32 else out.new_empty(out.shape, dtype=torch.float32), BITS[kind]
    if bits < 8:
        codes = codes.unsqueeze(TOKENS) & _masks(bits, codes.device)
        wide.view(codes.shape).copy_(codes).mul_(step)
    else:
        wide.copy_(_from_fp8(codes) if kind == "fp8" else codes).mul_(step)
    if begin is not None:
        wide.add_(begin)
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


def _shared(step: Tensor, bits: int) -> Tensor:
    """Steps [n, parts, tokens, H, D] for codes that were cut out of their bytes where they lie: the part 4 bits up is
    16 times too large, exactly. Steps for whole bytes stay as they are."""
    if bits == 8:
        return step
    parts = step.unsqueeze(TOKENS) if step.shape[TOKENS] == 1 else step.unflatten(TOKENS, (8 // bits, -1))
    return parts * _places(bits, step.device)


@cache
def _masks(bits: int, device: torch.device) -> Tensor:
    """The bits of a byte that each part has."""
    masks = [(2**bits - 1) << shift for shift in range(0, 8, bits)]
    return torch.tensor(masks, dtype=torch.uint8, device=device).view(-1, 1, 1, 1)


@cache
def _places(bits: int, device: torch.device) -> Tensor:
    """What codes of each part are to be multiplied by."""
    return torch.tensor([2.0**-shift for shift in range(0, 8, bits)], device=device).view(-1, 1, 1, 1)
