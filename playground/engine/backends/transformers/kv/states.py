"""Keys or values of one layer under quantization: codes of full blocks, and the tails of open ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.quantization import dequantize, dequantized, quantize
from playground.protocol.dtypes import CODE_BITS
from playground.protocol.options import blocks_for


@dataclass(frozen=True)
class Blocks:
    """Blocks by number, [n]; `stretch` if they are contiguous and read without a copy."""

    numbers: Tensor
    stretch: slice | None

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, part: Tensor, more: int = 0) -> Tensor:
        """These blocks of `part`, which holds all blocks, followed by `more` arbitrary ones as room."""
        if self.stretch is not None and self.stretch.stop + more <= len(part):
            return part[self.stretch.start : self.stretch.stop + more]
        numbers = torch.cat([self.numbers, self.numbers.new_zeros(more)]) if more else self.numbers
        return part.index_select(0, numbers)


def blocks_at(numbers: Sequence[int], device: torch.device) -> Blocks:
    """Blocks with these numbers."""
    side_by_side = bool(numbers) and all(after - before == 1 for before, after in pairwise(numbers))
    stretch = slice(numbers[0], numbers[-1] + 1) if side_by_side else None
    return Blocks(torch.tensor(numbers, dtype=torch.long, device=device), stretch)


class QuantizedStates:
    """Keys or values of one layer: codes for every block, full precision for blocks that are not full. `parts`: as
    `quantize` returns them, of all blocks."""

    def __init__(self, like: Tensor, blocks: int, size: int, tails: int, kind: str, axis: int) -> None:
        *_, heads, dim = like.shape
        self.kind, self._axis, self.size = kind, axis, size
        one = quantize(like.new_zeros(1, size, heads, dim), kind, axis)
        self.parts = [part.new_empty(blocks, *part.shape[1:]) for part in one]
        self.tails = like.new_zeros(tails, heads, dim)

    @property
    def bits(self) -> int:
        """Bits of one code."""
        return CODE_BITS[self.kind]

    @property
    def block_bytes(self) -> int:
        """Bytes of one full block: codes, steps, smallest values or zero points."""
        return sum(part[0].nbytes for part in self.parts)

    def put(self, blocks: Sequence[int], states: Tensor) -> None:
        """Quantize whole blocks [n, size, H, D]."""
        at = list(blocks)
        for part, new in zip(self.parts, quantize(states, self.kind, self._axis), strict=True):
            part[at] = new

    def copy(self, other: QuantizedStates, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy blocks of the same kind code by code: quantizing a stored view again would change it."""
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            mine[list(targets)] = theirs[list(sources)]

    def read(self, blocks: Blocks, room: int = 0) -> Tensor:
        """The stored view of whole blocks, followed by room for `room` tokens, [n * size + room, H, D]."""
        count, more, shape = len(blocks), blocks_for(room, self.size), (self.size, *self.tails.shape[1:])
        tokens = count * self.size + room
        if self.tails.dtype == torch.float32:
            # Return the unpacked states themselves: copying them would cost more than unpacking.
            parts = [blocks.of(part, more) for part in self.parts]
            return dequantized(parts, self.kind, (count + more, *shape)).flatten(0, 1)[:tokens]
        out = self.tails.new_empty(count + more, *shape)
        dequantize([blocks.of(part) for part in self.parts], self.kind, out[:count])
        return out.flatten(0, 1)[:tokens]
