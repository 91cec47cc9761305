"""What a store of KV blocks offers, whether it keeps them in the model's dtype or quantized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.request import Request

# Stores new keys and values [B, Hkv, q, D] of a layer; returns all that the queries see, [B, Hkv, columns, D].
Exchange = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]
# Stores new keys and values of a layer and attends over what is stored, with queries [B, Hq, q, D] and a scale:
# [B, q, Hq, D].
Attend = Callable[[int, Tensor, Tensor, Tensor, float], Tensor]


class KVStore(Protocol):
    """Stores blocks in the model's dtype (`full`) or quantized once they are full (`quantized`). `kind`: the value of
    kv_cache. `splits_at_blocks`: no row of a forward may cross the end of a block. `tails`: extra blocks in the model's
    dtype, one per slot. `transient_bytes`: peak bytes of copies, of one layer while it ran or of a batch's view."""

    kind: str
    splits_at_blocks: bool
    tails: int

    @property
    def transient_bytes(self) -> int:
        """See above."""

    @property
    def made(self) -> bool:
        """Whether the storage is allocated."""

    def reserve(self, slots: int) -> None:
        """Prepare for up to `slots` concurrent requests."""

    def copied(self, rows: Sequence[BatchRow]) -> int:
        """Bytes that copies of one layer would take while a forward of these rows runs; 0 before anything is stored."""

    def lay_out(self, rows: Sequence[BatchRow], device: torch.device) -> Exchange:
        """Prepare a forward of these rows. Several forwards may be prepared before they run, but only one with several
        rows of one token each: preparing another such forward invalidates it."""

    def attend_codes(self, rows: Sequence[BatchRow], device: torch.device) -> Attend | None:
        """Prepare as `lay_out` does, for decoding rows and attention over codes as they are stored; None if nothing is
        coded."""

    def seal(self, request: Request, length: int) -> None:
        """The first `length` tokens of the request are final; blocks that they fill may be shared from now on."""

    def forget(self, request: Request) -> None:
        """The request's block table is no longer valid."""

    def bytes(self, requests: Sequence[Request]) -> int:
        """Bytes of the blocks that these requests use."""

    def read_blocks(self, layer: int, blocks: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Stored keys and values of whole blocks, [n, size, Hkv, D] in the model's dtype."""

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """Store full blocks."""

    def copy_blocks(self, layer: int, other: KVStore, sources: Sequence[int], targets: Sequence[int]) -> bool:
        """Copy whole blocks of another store as they are stored; False if the stores' forms differ, or a plain read
        and write is exact anyway: then nothing was copied."""

    def read_tail(self, layer: int, request: Request, block: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the request's last, partly filled block, [tokens, Hkv, D]."""

    def write_tail(self, layer: int, request: Request, block: int, keys: Tensor, values: Tensor) -> None:
        """Store the request's last, partly filled block."""
