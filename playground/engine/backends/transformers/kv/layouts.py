"""Where a forward over a quantized cache writes and reads: computed once per step, used by every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.padding import real_tokens
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.states import Blocks, blocks_at


@dataclass(frozen=True)
class BatchLayout:
    """Where one forward writes and reads. New tokens go to rows `write` of the tails. What is read are the sealed
    blocks, then rows `tails` of the tails; `read` [B * columns] picks from these into the batch."""

    write: Tensor
    source: Tensor | None
    sealed: Blocks
    tails: Tensor
    read: Tensor

    def unpacked(self, size: int) -> int:
        """Tokens that are unpacked before rows are picked from them, with `size` tokens in a block."""
        return len(self.sealed) * size + len(self.tails)


@dataclass(frozen=True)
class LoneLayout:
    """Where the forward of one request reads, in order: `sealed` blocks, the `open` tokens in the tail from its row
    `tail` on, and the new tokens. Blocks `filled` by the new tokens, except the last, are quantized at once; the rest
    stays in the tail."""

    filled: list[int]
    tail: int
    open: int
    sealed: Blocks


def lay_out(rows: Sequence[BatchRow], tails: Sequence[int], size: int, device: torch.device) -> BatchLayout:
    """The layout of a forward of rows that stay within one block of `size` tokens each, so that every block before is
    sealed; their last blocks begin at rows `tails` of the tails."""
    columns, queries = max(row.length for row in rows), max(row.count for row in rows)
    sealed = [row.request.table[: row.start // size] for row in rows]
    kept = [
        torch.arange(tail, tail + row.length - len(blocks) * size)
        for row, tail, blocks in zip(rows, tails, sealed, strict=True)
    ]
    write = [
        torch.zeros(row.count, dtype=torch.long) if row.held else own[len(own) - row.count :]
        for row, own in zip(rows, kept, strict=True)
    ]
    at_sealed, at_tail, reads = 0, sum(map(len, sealed)) * size, []
    scratch = at_tail + sum(map(len, kept))
    for row, blocks, own in zip(rows, sealed, kept, strict=True):
        pads = torch.full((columns - row.length,), scratch)
        before = torch.arange(at_sealed, at_sealed + len(blocks) * size)
        reads += [pads, before, torch.arange(at_tail, at_tail + len(own))]
        at_sealed, at_tail = at_sealed + len(before), at_tail + len(own)
    return BatchLayout(
        torch.cat(write).to(device),
        real_tokens(rows, queries, device),
        blocks_at([block for blocks in sealed for block in blocks], device),
        torch.cat([*kept, torch.zeros(1, dtype=torch.long)]).to(device),
        torch.cat(reads).to(device),
    )


def lay_out_lone(row: BatchRow, tail: int, size: int, device: torch.device) -> LoneLayout:
    """The layout of a forward of one row, which may cross the ends of blocks; `tail` as in `lay_out`."""
    first, last = row.start // size, (row.length - 1) // size
    sealed = blocks_at(row.request.table[:last], device)
    return LoneLayout(row.request.table[first:last], tail, row.start % size, sealed)
