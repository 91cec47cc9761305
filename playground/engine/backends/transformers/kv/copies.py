"""Copies of keys and values that a forward reads and lets go: what they may take, and which rows go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.kv.stored_view import LONG_TOKENS

# Of all rows of a forward together: of one layer, or of all where a batch keeps them from step to step.
MOST_BYTES = 256 * 2**20


def split_by_memory(rows: Sequence[BatchRow], copied: Callable[[Sequence[BatchRow]], int]) -> Iterator[list[BatchRow]]:
    """Rows in their order, in groups of which `copied` says no more than `MOST_BYTES`. A single row may take more."""
    if rows and copied(rows) <= MOST_BYTES:
        yield list(rows)
        return
    group: list[BatchRow] = []
    for row in rows:
        if group and copied([*group, row]) > MOST_BYTES:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def most_copied(shape: KVShape, slots: int, tokens: int) -> int:
    """The most bytes that copies come to where so many requests share a pool of `tokens`, each of them as long as it
    has room for."""
    lone = shape.layer_bytes * (tokens + LONG_TOKENS)
    return max(lone, min(MOST_BYTES, 2 * slots * shape.token_bytes * tokens))
