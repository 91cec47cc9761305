"""The paged KV cache as a model sees it: `update` stores new keys and values and returns all that may be seen.

Rows of a batch are aligned at their newest token and padded on the left, as in `generate`, so that every architecture
builds its own mask, including sliding windows and position biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.store import Attend, Exchange, KVStore


class Watch(Protocol):
    """See `attention.LayerWatch`."""

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """A layer now attends over these keys and values."""

    def end(self) -> None:
        """Attention of the layer has ended."""

    def ran(self, kernel: str) -> None:
        """A kernel ran that is not a PyTorch operator, so no dispatch hook saw it."""


class PagedCache(Cache):
    """Adapts any store to the `Cache` interface of transformers 5.16-5.19."""

    def __init__(self, store: KVStore) -> None:
        super().__init__(layers=[])
        self.store = store
        self.watch: Watch | None = None
        self._exchange: Exchange | None = None
        self.attend_codes: Attend | None = None
        self._past = self._columns = 0

    def lay_out(self, rows: Sequence[BatchRow], device: torch.device, codes: bool = False) -> int:
        """Prepare a forward of these rows, over `codes` or over unpacked states; returns the number of columns of keys
        and values."""
        self._columns = max(row.length for row in rows)
        self._past = self._columns - max(row.count for row in rows)
        self.attend_codes = self.store.attend_codes(rows, device) if codes else None
        self._exchange = None if self.attend_codes else self.store.lay_out(rows, device)
        return self._columns

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """See `Exchange`."""
        assert self._exchange, "attention takes codes"
        if self.watch is None:
            return self._exchange(layer_idx, key_states, value_states)
        self.watch.end()
        keys, values = self._exchange(layer_idx, key_states, value_states)
        self.watch.begin(keys, values)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Columns before the first query; `get_query_offset` follows from it."""
        return self._past

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """The number of columns, and the first of them."""
        return self._columns, 0

    @property
    def is_sliding(self) -> list[bool]:
        """No layer drops tokens: a sliding window is kept by the mask."""
        return [False]
