"""Where a forward over a quantized cache writes and reads: made once a step, used by every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.full import real_tokens
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.states import Blocks, blocks_at


@dataclass(frozen=True)
class Layout:
    """Where one forward writes and reads: new tokens go to `write` in the tails; what is read is the sealed blocks,
    then the tails' rows `tails`, picked by `read` [B * columns] into the batch."""

    write: Tensor
    source: Tensor | None
    sealed: Blocks
    tails: Tensor
    read: Tensor

    def unpacked(self, size: int) -> int:
        """Tokens that are unpacked before rows are picked out of them, with `size` tokens in a block."""
        return len(self.sealed) * size + len(self.tails)


@dataclass(frozen=True)
class LoneLayout:
    """Where the forward of one request writes and reads, in order: `sealed` blocks, the tail from its row `tail` on,
    which holds `open` tokens, and the new ones. Blocks that these fill before the last are `filled` and quantized as
    they come; what follows stays in the tail."""

    filled: list[int]
    tail: int
    open: int
    sealed: Blocks


def lay_out(rows: Sequence[BatchRow], tails: Sequence[int], size: int, device: torch.device) -> Layout:
    """The layout of a forward of rows that stay within one block of `size` tokens each, so that every block before them
    is sealed; what lies in their last blocks begins at these rows of the tails."""
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
    return Layout(
        torch.cat(write).to(device),
        real_tokens(rows, queries, device),
        blocks_at([block for blocks in sealed for block in blocks], device),
        torch.cat([*kept, torch.zeros(1, dtype=torch.long)]).to(device),
        torch.cat(reads).to(device),
    )


def lay_out_lone(row: BatchRow, tail: int, size: int, device: torch.device) -> LoneLayout:
    """The layout of a forward of one row, which may reach over the ends of blocks; `tail` is as in `lay_out`."""
    first, last = row.start // size, (row.length - 1) // size
    sealed = blocks_at(row.request.table[:last], device)
    return LoneLayout(row.request.table[first:last], tail, row.start % size, sealed)
