"""Temporary copies of keys and values during a forward: how large they may be, and which rows fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.kv.stored_view import LONG_TOKENS

# For all rows of a forward together: of one layer, or of all layers where a batch keeps them between steps.
MOST_BYTES = 256 * 2**20


def split_by_memory(rows: Sequence[BatchRow], copied: Callable[[Sequence[BatchRow]], int]) -> Iterator[list[BatchRow]]:
    """Rows in their order, in groups for which `copied` returns at most `MOST_BYTES`. A single row may need more."""
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
    """The most bytes of copies when `slots` requests share a pool of `tokens`, each as long as it has room for."""
    lone = shape.layer_bytes * (tokens + LONG_TOKENS)
    return max(lone, min(MOST_BYTES, 2 * slots * shape.token_bytes * tokens))
