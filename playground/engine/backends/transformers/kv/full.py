"""Blocks of keys and values in the model's own dtype."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.batch_view import ROOM, BatchView
from playground.engine.backends.transformers.kv.copies import most_bytes
from playground.engine.backends.transformers.kv.padding import flat_tokens, real_tokens
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.store import Exchange, KVStore
from playground.engine.blocks import BlockManager
from playground.engine.request import Request


@dataclass(frozen=True)
class Layout:
    """Where one forward writes and reads. `source`: which of the B x q new tokens are real, None for all. `read`:
    storage rows [B, columns], the contiguous slice of a single request, or None if the previous step's batch view has
    the rest. `kept`: what is read becomes that view, row by row if `parts` are given."""

    write: Tensor | slice
    source: Tensor | None
    read: Tensor | slice | None
    kept: bool = False
    parts: Sequence[Tensor | slice] = ()


class FullStore:
    """See `KVStore`. A layer's storage is [blocks * size + 1, Hkv, D], made when the layer first writes; the
    last row is scratch: padding reads it and held rows write it."""

    kind = "model"
    splits_at_blocks = False
    tails = 0

    def __init__(self, blocks: BlockManager) -> None:
        self._blocks = blocks
        self._layers: list[tuple[Tensor, Tensor]] = []
        self._rows: dict[str, tuple[list[int], np.ndarray]] = {}
        self._side_by_side: dict[str, tuple[list[int], bool]] = {}
        self._view = BatchView()
        self._gathered = 0

    @property
    def made(self) -> bool:
        """See `KVStore`."""
        return bool(self._layers)

    @property
    def transient_bytes(self) -> int:
        """See `KVStore`: the copy that a batch keeps, of all layers, or gathers, of one."""
        return max(self._view.bytes_peak, self._gathered)

    def copied(self, rows: Sequence[BatchRow]) -> int:
        """See `KVStore.copied`."""
        if len(rows) == 1 and not rows[0].held and self._stretch(rows[0]):
            return 0
        widest = max((keys[0].nbytes + values[0].nbytes for keys, values in self._layers), default=0)
        return len(rows) * max(row.length for row in rows) * widest

    def lay_out(self, rows: Sequence[BatchRow], device: torch.device) -> Exchange:
        """See `KVStore.lay_out`."""
        return partial(self._exchange, self._layout(rows, device))

    def attend_codes(self, rows: Sequence[BatchRow], device: torch.device) -> None:
        """See `KVStore.attend_codes`: nothing is coded."""

    def reserve(self, slots: int) -> None:
        """See `KVStore.reserve`: there are no tails."""

    def seal(self, request: Request, length: int) -> None:
        """See `KVStore.seal`: a full block stays as it is."""

    def forget(self, request: Request) -> None:
        """See `KVStore.forget`."""
        self._rows.pop(request.request_id, None)
        self._side_by_side.pop(request.request_id, None)
        if self._view.holds(request):
            self._view.drop()

    def bytes(self, requests: Sequence[Request]) -> int:
        """See `KVStore.bytes`; a block that requests share counts once."""
        blocks = {block for request in requests for block in request.table}
        return len(blocks) * self._blocks.size * sum(store[0].nbytes for layer in self._layers for store in layer)

    def read_blocks(self, layer: int, blocks: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See `KVStore.read_blocks`."""
        keys, values = (self._paged(store)[list(blocks)] for store in self._layers[layer])
        return keys, values

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_blocks`."""
        self._make(layer, keys, values)
        for store, states in zip(self._layers[layer], (keys, values), strict=True):
            self._paged(store)[list(blocks)] = states

    def copy_blocks(self, layer: int, other: KVStore, sources: Sequence[int], targets: Sequence[int]) -> bool:
        """See `KVStore.copy_blocks`."""
        return False

    def read_tail(self, layer: int, request: Request, block: int) -> tuple[Tensor, Tensor]:
        """See `KVStore.read_tail`."""
        keys, values = (
            self._paged(store)[block, : request.computed % self._blocks.size] for store in self._layers[layer]
        )
        return keys, values

    def write_tail(self, layer: int, request: Request, block: int, keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_tail`."""
        self._make(layer, keys, values)
        for store, states in zip(self._layers[layer], (keys, values), strict=True):
            self._paged(store)[block, : len(states)] = states

    def _layout(self, rows: Sequence[BatchRow], device: torch.device) -> Layout:
        if len(rows) == 1 and not rows[0].held and (stretch := self._stretch(rows[0])) is not None:
            return Layout(slice(stretch.start + rows[0].start, stretch.stop), None, stretch)
        scratch = self._blocks.count * self._blocks.size
        if self._view.follows(rows):
            newest = [scratch if row.held else self._rows_of(row.request)[row.start] for row in rows]
            return Layout(torch.from_numpy(np.array(newest)).to(device), None, None)
        columns, queries = max(row.length for row in rows), max(row.count for row in rows)
        kept = queries == 1 and self._view_bytes(len(rows) * (columns + ROOM)) <= most_bytes(device)
        if kept and device.type == "cpu":
            return self._by_rows(rows)
        # numpy builds small index arrays several times faster than torch.
        read = np.full((len(rows), self._view.start(rows) if kept else columns), scratch)
        written = []
        for index, row in enumerate(rows):
            stored = self._rows_of(row.request)[: row.length]
            read[index, columns - row.length : columns] = stored
            written.append(np.full(row.count, scratch) if row.held else stored[row.start :])
        write = torch.from_numpy(np.concatenate(written)).to(device)
        return Layout(write, real_tokens(rows, queries, device), torch.from_numpy(read).to(device), kept)

    def _exchange(self, layout: Layout, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self._make(layer, keys.transpose(1, 2), values.transpose(1, 2))
        for store, states in zip(self._layers[layer], (keys, values), strict=True):
            new = flat_tokens(states, layout.source)
            if isinstance(layout.write, slice):
                store[layout.write] = new
            else:
                store.index_copy_(0, layout.write, new)
        if layout.parts:
            return self._view.fill(layer, self._layers[layer], layout.parts)
        if layout.read is None:
            return self._view.add(layer, keys, values)
        seen = [_read(store, layout.read, len(keys)) for store in self._layers[layer]]
        if layout.kept:
            return self._view.keep(layer, *seen)
        if isinstance(layout.read, Tensor):
            self._gathered = max(self._gathered, sum(states.nbytes for states in seen))
        return seen[0].transpose(1, 2), seen[1].transpose(1, 2)

    def _by_rows(self, rows: Sequence[BatchRow]) -> Layout:
        """Lay out a view row by row: on a CPU a copy costs the bytes it moves, and padding need not be moved."""
        self._view.start(rows)
        scratch = self._blocks.count * self._blocks.size
        newest = [scratch if row.held else self._rows_of(row.request)[row.start] for row in rows]
        parts = [self._stretch(row) or torch.from_numpy(self._rows_of(row.request)[: row.length]) for row in rows]
        return Layout(torch.from_numpy(np.array(newest)), None, None, kept=True, parts=parts)

    def _make(self, layer: int, keys: Tensor, values: Tensor) -> None:
        while len(self._layers) <= layer:
            self._layers.append((self._allocate(keys), self._allocate(values)))

    def _allocate(self, states: Tensor) -> Tensor:
        *_, heads, dim = states.shape
        # Not zeroed: the operating system only commits memory that was written.
        store = states.new_empty(self._blocks.count * self._blocks.size + 1, heads, dim)
        store[-1] = 0
        return store

    def _paged(self, store: Tensor) -> Tensor:
        paged: Tensor = store[:-1].unflatten(0, (self._blocks.count, self._blocks.size))
        return paged

    def _view_bytes(self, tokens: int) -> int:
        return tokens * sum(store[0].nbytes for layer in self._layers for store in layer)

    def _rows_of(self, request: Request) -> np.ndarray:
        """Storage rows of the request's tokens, as many as its blocks hold."""
        table, rows = self._rows.get(request.request_id, ([], np.empty(0)))
        if table != request.table:
            rows = (np.array(request.table)[:, None] * self._blocks.size + np.arange(self._blocks.size)).ravel()
            self._rows[request.request_id] = (list(request.table), rows)
        return rows

    def _stretch(self, row: BatchRow) -> slice | None:
        """The storage rows of a request whose blocks are contiguous, which are read without a copy; None if they are
        not."""
        table, size = row.request.table, self._blocks.size
        known = self._side_by_side.get(row.request.request_id)
        if known is None or known[0] != table:
            known = list(table), all(after - before == 1 for before, after in itertools.pairwise(table))
            self._side_by_side[row.request.request_id] = known
        return slice(table[0] * size, table[0] * size + row.length) if known[1] else None


def _read(store: Tensor, read: Tensor | slice, batch: int) -> Tensor:
    """What the queries see, [B, columns, Hkv, D]."""
    if isinstance(read, Tensor):
        return store.index_select(0, read.view(-1)).view(batch, -1, *store.shape[1:])
    return store[read].unsqueeze(0)
