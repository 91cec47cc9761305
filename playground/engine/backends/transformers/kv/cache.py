"""The paged KV cache as a model sees it: `update` stores new keys and values and hands back all that may be seen.

Rows of a batch are aligned at their newest token and padded on the left, as in `generate`, so that every architecture
builds its own mask, sliding windows and position biases included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from playground.engine.request import Request


@dataclass(frozen=True)
class Row:
    """One request's part of a forward: `count` tokens from position `start`, the last of them `drafts`. A held row runs
    but stores nothing. A row that `decodes` computes the last sampled token and the drafts."""

    request: Request
    start: int
    count: int
    held: bool = False
    drafts: tuple[int, ...] = ()
    decodes: bool = False

    @property
    def length(self) -> int:
        """Tokens that the newest query of this row sees."""
        return self.start + self.count

    @property
    def ids(self) -> list[int]:
        """Its tokens, drafts last."""
        if self.held:
            return self.request.output_ids[-1:]
        return [*self.request.token_ids(self.start, self.length), *self.drafts]

    @property
    def completes(self) -> bool:
        """This row computes the last known token, so a new token is sampled after it."""
        return self.length - len(self.drafts) == self.request.length


def uneven(rows: Sequence[Row]) -> bool:
    """Rows end at different lengths, or begin in the middle with several queries: no kernel's own causality fits."""
    queries, lengths = max(row.count for row in rows), {row.length for row in rows}
    return len(lengths) > 1 or 1 < queries < max(lengths)


# Stores new keys and values [B, Hkv, q, D] of a layer; returns all that the queries see, [B, Hkv, columns, D].
Exchange = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]
# Stores new keys and values of a layer and attends over what is stored, with queries [B, Hq, q, D] and a scale:
# [B, q, Hq, D].
Attend = Callable[[int, Tensor, Tensor, Tensor, float], Tensor]


class KVStore(Protocol):
    """Where blocks live: in the model's dtype (`kv_full`) or quantized once they are full (`kv_quantized`).
    `kind`: the value of kv_cache. `splits_at_blocks`: no row of a forward may reach over the end of a block. `tails`:
    blocks in the model's dtype beside the others, one for each slot. `transient_bytes`: the most that copies took, of
    one layer while it ran or of what a batch sees."""

    kind: str
    splits_at_blocks: bool
    tails: int

    @property
    def transient_bytes(self) -> int:
        """See above."""

    @property
    def made(self) -> bool:
        """The storage is there."""

    def reserve(self, slots: int) -> None:
        """Prepare for up to `slots` concurrent requests."""

    def copied(self, rows: Sequence[Row]) -> int:
        """Bytes that copies of one layer would take while a forward of these rows runs; 0 before anything is stored."""

    def lay_out(self, rows: Sequence[Row], device: torch.device) -> Exchange:
        """Prepare a forward of these rows. Several forwards may be prepared before they run; to prepare one of several
        rows that take one token each makes any prepared like that before it invalid."""

    def attend_codes(self, rows: Sequence[Row], device: torch.device) -> Attend | None:
        """Prepare as `lay_out` does, for rows that decode and attention that takes what is stored as it is; None where
        nothing is coded."""

    def seal(self, request: Request, length: int) -> None:
        """`length` tokens of the request are stored for good; blocks that they fill are shared from now on."""

    def forget(self, request: Request) -> None:
        """The request's block table is no longer valid."""

    def bytes(self, requests: Sequence[Request]) -> int:
        """Bytes of the blocks that these requests use."""

    def read_blocks(self, layer: int, blocks: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Stored keys and values of whole blocks, [n, size, Hkv, D] in the model's dtype."""

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """Store whole blocks that are full."""

    def copies(self, other: KVStore) -> bool:
        """Blocks of the other store can be taken over as they are, by `copy_blocks`."""

    def copy_blocks(self, layer: int, other: KVStore, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Store whole blocks of another store of the same kind."""

    def read_tail(self, layer: int, request: Request, block: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the request's last block, which is not full, [tokens, Hkv, D]."""

    def write_tail(self, layer: int, request: Request, block: int, keys: Tensor, values: Tensor) -> None:
        """Store the request's last block, which is not full."""


class Watch(Protocol):
    """See `attention.LayerWatch`."""

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """A layer attends over these from now on."""

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

    def lay_out(self, rows: Sequence[Row], device: torch.device, codes: bool = False) -> int:
        """Prepare a forward of these rows, over `codes` or over what is unpacked; returns the columns that keys and
        values will have."""
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
        """Columns in all, and the first of them."""
        return self._columns, 0

    @property
    def is_sliding(self) -> list[bool]:
        """No layer drops tokens: a sliding window is kept by the mask."""
        return [False]
