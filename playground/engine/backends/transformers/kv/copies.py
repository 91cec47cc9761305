"""Temporary copies of keys and values during a forward: how large they may be, and which rows fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.kv.stored_view import LONG_TOKENS

MOST_BYTES = 256 * 2**20
GPU_PART = 16


def most_bytes(device: torch.device) -> int:
    """The bytes that all rows of a forward together may copy, of one layer, or of all layers where a batch keeps the
    copy between steps: `MOST_BYTES`, or one part in `GPU_PART` of a GPU's memory if that is more."""
    if device.type != "cuda":
        return MOST_BYTES
    return max(MOST_BYTES, torch.cuda.get_device_properties(device).total_memory // GPU_PART)


def split_by_memory(
    rows: Sequence[BatchRow], copied: Callable[[Sequence[BatchRow]], int], most: int
) -> Iterator[list[BatchRow]]:
    """Rows in their order, in groups for which `copied` returns at most `most` bytes. A single row may need more."""
    if rows and copied(rows) <= most:
        yield list(rows)
        return
    group: list[BatchRow] = []
    for row in rows:
        if group and copied([*group, row]) > most:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def most_copied(shape: KVShape, slots: int, tokens: int, most: int) -> int:
    """The most bytes of copies when `slots` requests share a pool of `tokens`, each as long as it has room for."""
    lone = shape.layer_bytes * (tokens + LONG_TOKENS)
    return max(lone, min(most, 2 * slots * shape.token_bytes * tokens))
