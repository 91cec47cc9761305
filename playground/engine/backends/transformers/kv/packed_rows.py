"""Codes of int4 and int2 in FBGEMM's row format: several per byte, then a step and a smallest value in float16.

A CPU unpacks such rows in one pass over memory (`fbgemm::FusedNBitRowwiseQuantizedSBHalfToFloatOrHalf`), where single
operators take four.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Bytes of a step and a smallest value.
TRAILER = 4
UNPACK: dict[int, Callable[[Tensor], Tensor]] = {
    4: torch.ops.quantized.embedding_bag_4bit_unpack,
    2: torch.ops.quantized.embedding_bag_2bit_unpack,
}


def pack_rows(codes: Tensor, step: Tensor, low: Tensor, bits: int) -> Tensor:
    """Codes [..., D], one per byte, with `step` and `low` [..., 1] in float16, as rows [..., D * bits / 8 + 4]; D is a
    multiple of the codes per byte."""
    packed = codes[..., :: 8 // bits]
    for place in range(1, 8 // bits):
        packed = packed | codes[..., place :: 8 // bits] << place * bits
    return torch.cat([packed, step.view(torch.uint8), low.view(torch.uint8)], -1)


def unpack_rows(rows: Tensor, bits: int) -> Tensor:
    """Rows [..., D * bits / 8 + 4] as numbers [..., D] in float32."""
    if rows.device.type != "cpu":
        return _unpack(rows, bits)
    return UNPACK[bits](rows.flatten(0, -2)).view(*rows.shape[:-1], -1)


def _unpack(rows: Tensor, bits: int) -> Tensor:
    """Unpack rows by PyTorch's own operators."""
    packed, trailer = rows[..., :-TRAILER], rows[..., -TRAILER:].contiguous().view(torch.float16).float()
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=rows.device)
    codes: Tensor = (packed.unsqueeze(-1) >> shifts & 2**bits - 1).flatten(-2)
    return codes * trailer[..., :1] + trailer[..., 1:]
