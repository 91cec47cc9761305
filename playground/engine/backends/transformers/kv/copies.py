"""Copies of keys and values that a forward reads and lets go: what they may take, and which rows go together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from playground.engine.backends.transformers.kv.cache import Row
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.kv.stored_view import LONG_TOKENS

MOST_BYTES = 256 * 2**20
GPU_PART = 16


def most_bytes(device: torch.device) -> int:
    """What all rows of a forward together may copy, of one layer, or of all layers where a batch keeps the copy from
    step to step: `MOST_BYTES`, or one part in `GPU_PART` of a card's memory."""
    if device.type != "cuda":
        return MOST_BYTES
    return max(MOST_BYTES, torch.cuda.get_device_properties(device).total_memory // GPU_PART)


def apart(rows: Sequence[Row], copied: Callable[[Sequence[Row]], int], most: int) -> Iterator[list[Row]]:
    """Rows in their order, in groups of which `copied` says no more than `most` bytes. A single row may take more."""
    if rows and copied(rows) <= most:
        yield list(rows)
        return
    group: list[Row] = []
    for row in rows:
        if group and copied([*group, row]) > most:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def most_copied(shape: KVShape, slots: int, tokens: int, most: int) -> int:
    """The most bytes that copies come to where so many requests share a pool of `tokens`, each of them as long as it
    has room for."""
    lone = shape.layer_bytes * (tokens + LONG_TOKENS)
    return max(lone, min(most, 2 * slots * shape.token_bytes * tokens))
