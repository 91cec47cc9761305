"""Keys or values of one layer under quantization: codes of whole blocks, and the tails that are not full yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from playground.engine.backends.transformers.quantization import (
    BITS,
    TOKENS,
    Quantized,
    dequantize,
    low_dtype,
    quantize,
)


@dataclass(frozen=True)
class Blocks:
    """Blocks by number, [n]; `stretch` where they lie side by side and are read without a copy."""

    numbers: Tensor
    stretch: slice | None

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, part: Tensor) -> Tensor:
        """These blocks of a tensor of all."""
        return part.index_select(0, self.numbers) if self.stretch is None else part[self.stretch]


def blocks_at(numbers: Sequence[int], device: torch.device) -> Blocks:
    """Blocks by these numbers."""
    side_by_side = bool(numbers) and all(after - before == 1 for before, after in pairwise(numbers))
    stretch = slice(numbers[0], numbers[-1] + 1) if side_by_side else None
    return Blocks(torch.tensor(numbers, dtype=torch.long, device=device), stretch)


class QuantizedStates:
    """Keys or values of one layer: codes for every block, full precision for the blocks that are not full."""

    def __init__(self, like: Tensor, blocks: int, size: int, tails: int, kind: str, axis: int) -> None:
        *_, heads, dim = like.shape
        self._kind, self._axis = kind, axis
        group = (blocks, 1, heads, dim) if axis == TOKENS else (blocks, size, heads, 1)
        self._codes = like.new_empty((blocks, size * BITS[kind] // 8, heads, dim), dtype=torch.uint8)
        self._step, low = like.new_empty(group, dtype=torch.float16), low_dtype(kind)
        self._low = None if low is None else like.new_empty(group, dtype=low)
        self.tails = like.new_zeros(tails, heads, dim)

    @property
    def block_bytes(self) -> int:
        """Bytes of one full block: codes, steps, smallest values or zero points."""
        return sum(part[0].nbytes for part in (self._codes, self._step, self._low) if part is not None)

    def put(self, blocks: Sequence[int], states: Tensor) -> None:
        """Quantize whole blocks [n, size, H, D]."""
        quantized, at = quantize(states, self._kind, self._axis), list(blocks)
        self._codes[at], self._step[at] = quantized.codes, quantized.step
        if self._low is not None:
            self._low[at] = quantized.low

    def copy(self, other: QuantizedStates, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Take over blocks of the same kind code by code: quantizing a stored view again would shift it."""
        pairs = ((self._codes, other._codes), (self._step, other._step), (self._low, other._low))
        for mine, theirs in pairs:
            if mine is not None and theirs is not None:
                mine[list(targets)] = theirs[list(sources)]

    def get(self, blocks: Blocks, out: Tensor) -> None:
        """Write the stored view of whole blocks into `out`, [n * size, H, D]."""
        codes, step = blocks.of(self._codes), blocks.of(self._step)
        low = None if self._low is None else blocks.of(self._low)
        size = codes.shape[1] * 8 // BITS[self._kind]
        dequantize(Quantized(codes, step, low), self._kind, out.unflatten(0, (len(blocks), size)))
