"""KV blocks as a row of cells: owned, held, shared, cached for their prefix, or free; and their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from playground.protocol.events import BlocksMapped

Use = Literal["owned", "held", "shared", "cached", "free"]


class Block(NamedTuple):
    """One block: its use, the request that owns it if one does, and how full it is, 0 to 1."""

    use: Use
    owner: str = ""
    filled: float = 1.0


FREE = Block("free")


class BlockFigures(NamedTuple):
    """Counts of blocks; `unused` is the share of token places in used blocks that hold no token; `pieces` are the
    contiguous stretches of blocks per request, 1 at best."""

    used: int
    shared: int
    cached: int
    free: int
    unused: float | None
    pieces: float | None


def blocks(event: BlocksMapped) -> list[Block]:
    """All blocks from the first to the last that is not free."""
    owners = Counter(block for table in event.tables.values() for block in table.blocks)
    top = 1 + max([*owners, *(first + length - 1 for first, length in event.cached)], default=-1)
    row = [FREE] * top
    for first, length in event.cached:
        row[first : first + length] = [Block("cached")] * length
    for request_id, table in event.tables.items():
        for place, block in enumerate(table.blocks):
            filled = min(1.0, max(0.0, table.tokens / event.size - place))
            use: Use = "shared" if owners[block] > 1 else "held" if table.held else "owned"
            row[block] = Block(use, request_id, filled)
    return row


def merged(row: Sequence[Block], capacity: int) -> tuple[int, list[Block]]:
    """(blocks per cell, cells), at most `capacity` cells; a cell shows the first of its blocks that is used, else
    cached, else free."""
    each = max(1, -(-len(row) // max(1, capacity)))
    rank: dict[Use, int] = {"shared": 0, "owned": 1, "held": 2, "cached": 3, "free": 4}
    return each, [min(row[at : at + each], key=lambda block: rank[block.use]) for at in range(0, len(row), each)]


def figures(event: BlocksMapped) -> BlockFigures:
    """Count the blocks, each once, however many tables it is in."""
    owners = Counter(block for table in event.tables.values() for block in table.blocks)
    cached = sum(length for _, length in event.cached)
    tables = [table for table in event.tables.values() if table.blocks]
    empty = sum(len(table.blocks) * event.size - table.tokens for table in tables)
    return BlockFigures(
        used=len(owners),
        shared=sum(count > 1 for count in owners.values()),
        cached=cached,
        free=event.count - len(owners) - cached,
        unused=empty / (len(owners) * event.size) if owners else None,
        pieces=sum(_pieces(table.blocks) for table in tables) / len(tables) if tables else None,
    )


def _pieces(table: Sequence[int]) -> int:
    return 1 + sum(after != before + 1 for before, after in pairwise(table))
