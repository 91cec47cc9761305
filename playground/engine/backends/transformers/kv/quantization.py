"""Quantize blocks of keys and values: keys per channel, values per token (KIVI, https://arxiv.org/abs/2402.02750).

Each group has a step in float16, and where its codes begin: the smallest value in float16. Keys in int4 and int2 have a
zero point instead, one byte counted in steps. fp8 is signed and needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.packed_rows import pack_rows, unpack_rows
from playground.protocol.dtypes import CODE_BITS

TOKENS, CHANNELS = 1, 3
# Dequantized numbers at a time: they stay in a CPU's caches; on a GPU launches cost more than these 128 MiB.
GROUP_ELEMENTS, GPU_GROUP_ELEMENTS = 2**18, 2**25
FP8, FP8_MAX, FP8_HALF_SHIFT = torch.float8_e4m3fn, 448.0, 256.0
ZERO_STEPS = 127
TINY = torch.finfo(torch.float16).tiny


def low_dtype(kind: str, axis: int) -> torch.dtype | None:
    """Dtype of a group's offset (smallest value or zero point); None for fp8."""
    return {"fp8": None, "int8": torch.float16}.get(kind, torch.int8 if axis == TOKENS else torch.float16)


def quantize(blocks: Tensor, kind: str, axis: int) -> list[Tensor]:
    """Quantize blocks [n, size, H, D] into parts [n, ...] for `dequantize`. `axis`: what a group runs over, `TOKENS`
    for keys (a step per channel) or `CHANNELS` for values (one per token).

    int8 and fp8: codes [n, size, H, D] of one byte, steps, smallest values. int4 and int2: see `packed_rows`. A row is
    a token's values of one head, or all keys of a block, followed by the keys' own steps [n, 1, H, D] and zero points.
    """
    blocks, bits = blocks.float(), CODE_BITS[kind]
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
    if bits == 8:
        return [codes, step, low]
    if axis == CHANNELS:
        return [pack_rows(codes, step, low, bits)]
    one = step.new_ones(len(blocks), 1)
    return [pack_rows(codes.flatten(1), one, torch.zeros_like(one), bits), step, low]


def dequantize(parts: Sequence[Tensor], kind: str, out: Tensor) -> None:
    """Write the stored view into `out` [n, size, H, D], some blocks at a time. The numbers are the same for every
    reader: computed in float32 and rounded once."""
    for some, *part in _in_groups(out, *parts):
        some.copy_(dequantized(part, kind, some.shape))


def dequantized(parts: Sequence[Tensor], kind: str, shape: Sequence[int]) -> Tensor:
    """The stored view in float32, [n, size, H, D], in as few passes over memory as operators allow: reading and writing
    cost more than computing."""
    codes, *affine = parts
    if kind == "fp8":
        return _from_fp8(codes, *affine)
    view = codes.float() if CODE_BITS[kind] == 8 else unpack_rows(codes, CODE_BITS[kind]).view(*shape)
    if not affine:
        return view
    step, low = affine[0].float(), affine[1]
    begin = _begin(low, step)
    # A single operator is not vectorised where a step is shared along the last axis.
    return view.mul_(step).add_(begin) if step.shape[-1] == 1 else torch.addcmul(begin, view, step, out=view)


def _from_fp8(codes: Tensor, step: Tensor) -> Tensor:
    """Read fp8 through float16 with the same bits, which is 2**8 too small: many times faster than PyTorch's conversion
    on a CPU. Some blocks at a time, so that the float16 takes little memory."""
    view, step = codes.new_empty(codes.shape, dtype=torch.float32), step.float().mul_(FP8_HALF_SHIFT)
    for some, part, scale in _in_groups(view, codes, step):
        half = part.view(torch.int8).to(torch.int16).bitwise_left_shift_(7).bitwise_and_(~0x4000).view(torch.float16)
        some.copy_(half).mul_(scale)
    return view


def _begin(low: Tensor, step: Tensor) -> Tensor:
    return low.float() * step.float() if low.dtype == torch.int8 else low.float()


def _in_groups(out: Tensor, *parts: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Blocks of `out` and of the others, as many at a time as `GROUP_ELEMENTS` allows."""
    if len(out):
        elements = GROUP_ELEMENTS if out.device.type == "cpu" else GPU_GROUP_ELEMENTS
        group = max(1, elements // out[0].numel())
        yield from zip(*(part.split(group) for part in (out, *parts)), strict=True)
