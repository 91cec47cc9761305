"""Blocks of keys and values that are quantized once they are full.

The stored view: a query sees every block before its own as stored, and its own block exactly. So answers do not depend
on how a prompt was cut into chunks, on the batch, or on preemption. No dequantized copy stays: one layer's is made
while that layer runs.

A prefill may cross the ends of blocks if the architecture takes the mask of `stored_view`: the keys are then [stored |
exact], and a query sees stored keys of earlier blocks and exact ones of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv.codes_attention import Rows, attend_codes
from playground.engine.backends.transformers.kv.layouts import BatchLayout, LoneLayout, lay_out, lay_out_lone
from playground.engine.backends.transformers.kv.padding import flat_tokens, real_tokens
from playground.engine.backends.transformers.kv.quantization import CHANNELS, TOKENS
from playground.engine.backends.transformers.kv.row import BatchRow
from playground.engine.backends.transformers.kv.states import QuantizedStates, blocks_at
from playground.engine.backends.transformers.kv.store import Attend, Exchange, KVStore
from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.engine.slots import free_slot


class QuantizedStore:
    """See `KVStore`. A request has at most one block that is not full; it is stored in one of the `tails`, whose first
    row is scratch."""

    splits_at_blocks = True

    def __init__(self, blocks: BlockManager, kind: str, slots: int) -> None:
        self._blocks, self.kind, self.tails = blocks, kind, slots
        self._layers: list[tuple[QuantizedStates, QuantizedStates]] = []
        self._tail_of: dict[str, int] = {}
        self.transient_bytes = 0

    @property
    def made(self) -> bool:
        """See `KVStore`."""
        return bool(self._layers)

    def reserve(self, slots: int) -> None:
        """See `KVStore.reserve`; existing tails stay."""
        self.tails = max(self.tails, slots)
        rows = 1 + self.tails * self._blocks.size
        for states in (states for layer in self._layers for states in layer):
            if len(states.tails) < rows:
                tails = states.tails.new_zeros(rows, *states.tails.shape[1:])
                tails[: len(states.tails)] = states.tails
                states.tails = tails

    def copied(self, rows: Sequence[BatchRow]) -> int:
        """See `KVStore.copied`: a batch is unpacked, then picked apart into its rows."""
        token = max((sum(states.tails[0].nbytes for states in layer) for layer in self._layers), default=0)
        columns, unpacked = len(rows) * max(row.length for row in rows), 1 + sum(row.length for row in rows)
        return (columns + unpacked * (len(rows) > 1)) * token

    def lay_out(self, rows: Sequence[BatchRow], device: torch.device) -> Exchange:
        """See `KVStore.lay_out`. Rows stay within one block each; a single row may be longer."""
        tails, size = [self._tail_start(row.request) for row in rows], self._blocks.size
        if len(rows) == 1:
            return partial(self._exchange, lay_out_lone(rows[0], tails[0], size, device))
        return partial(self._exchange, lay_out(rows, tails, size, device))

    def attend_codes(self, rows: Sequence[BatchRow], device: torch.device) -> Attend:
        """See `KVStore.attend_codes`."""
        size, tails = self._blocks.size, [self._tail_start(row.request) for row in rows]
        opens = [row.start % size for row in rows]
        write = [
            0 if row.held else tail + start + new
            for row, tail, start in zip(rows, tails, opens, strict=True)
            for new in range(row.count)
        ]
        sealed = [row.request.table[: row.start // size] for row in rows]
        stored = [start + row.count for row, start in zip(rows, opens, strict=True)]
        new = torch.tensor(write, device=device), real_tokens(rows, max(row.count for row in rows), device)
        return partial(self._attend, *new, Rows(sealed, tails, stored))

    def seal(self, request: Request, length: int) -> None:
        """See `KVStore.seal`; quantizes the request's last block if these tokens fill it."""
        if length % self._blocks.size or request.request_id not in self._tail_of:
            return
        block, start = request.table[length // self._blocks.size - 1], self._tail_start(request)
        for states in (states for layer in self._layers for states in layer):
            states.put([block], states.tails[start : start + self._blocks.size].unsqueeze(0))

    def forget(self, request: Request) -> None:
        """See `KVStore.forget`."""
        self._tail_of.pop(request.request_id, None)

    def bytes(self, requests: Sequence[Request]) -> int:
        """See `KVStore.bytes`: full blocks as codes and scales, the tails as they are."""
        size = self._blocks.size
        full = {block for request in requests for block in request.table[: request.computed // size]}
        open_tails = sum(1 for request in requests if len(request.table) > request.computed // size)
        states = [states for layer in self._layers for states in layer]
        block_bytes = sum(part.block_bytes for part in states)
        return len(full) * block_bytes + open_tails * size * sum(part.tails[0].nbytes for part in states)

    def read_blocks(self, layer: int, blocks: Sequence[int]) -> tuple[Tensor, Tensor]:
        """See `KVStore.read_blocks`."""
        size = self._blocks.size
        keys, values = (states.read(blocks_at(blocks, states.tails.device)) for states in self._layers[layer])
        return keys.unflatten(0, (-1, size)), values.unflatten(0, (-1, size))

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_blocks`."""
        self._make(layer, keys, values)
        for states, new in zip(self._layers[layer], (keys, values), strict=True):
            states.put(blocks, new)

    def copy_blocks(self, layer: int, other: KVStore, sources: Sequence[int], targets: Sequence[int]) -> bool:
        """See `KVStore.copy_blocks`."""
        if not isinstance(other, QuantizedStore) or other.kind != self.kind:
            return False
        theirs = other._layers[layer]
        self._make(layer, theirs[0].tails, theirs[1].tails)
        for mine, states in zip(self._layers[layer], theirs, strict=True):
            mine.copy(states, sources, targets)
        return True

    def read_tail(self, layer: int, request: Request, block: int) -> tuple[Tensor, Tensor]:
        """See `KVStore.read_tail`."""
        start = self._tail_start(request)
        stop = start + request.computed % self._blocks.size
        keys, values = (states.tails[start:stop] for states in self._layers[layer])
        return keys, values

    def write_tail(self, layer: int, request: Request, block: int, keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_tail`."""
        start = self._tail_start(request)
        self._make(layer, keys, values)
        for states, new in zip(self._layers[layer], (keys, values), strict=True):
            states.tails[start : start + len(new)] = new

    def _make(self, layer: int, keys: Tensor, values: Tensor) -> None:
        blocks, size, rows = self._blocks.count, self._blocks.size, 1 + self.tails * self._blocks.size
        while len(self._layers) <= layer:
            self._layers.append(
                (
                    QuantizedStates(keys, blocks, size, rows, self.kind, TOKENS),
                    QuantizedStates(values, blocks, size, rows, self.kind, CHANNELS),
                )
            )

    def _exchange(
        self, layout: BatchLayout | LoneLayout, layer: int, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor]:
        self._make(layer, keys.transpose(1, 2), values.transpose(1, 2))
        stored_keys, stored_values = self._layers[layer]
        if isinstance(layout, LoneLayout):
            seen = self._taken(stored_keys, keys, layout), self._taken(stored_values, values, layout)
        else:
            seen = self._picked(stored_keys, keys, layout), self._picked(stored_values, values, layout)
        # Unpacked keys are freed before values are unpacked, so only the values' copy counts.
        tokens = layout.unpacked(self._blocks.size) if isinstance(layout, BatchLayout) else 0
        unpacked = tokens * stored_values.tails[0].nbytes
        self.transient_bytes = max(self.transient_bytes, unpacked + sum(states.nbytes for states in seen))
        return seen

    def _attend(
        self,
        write: Tensor,
        source: Tensor | None,
        rows: Rows,
        layer: int,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        scale: float,
    ) -> Tensor:
        self._make(layer, keys.transpose(1, 2), values.transpose(1, 2))
        for states, new in zip(self._layers[layer], (keys, values), strict=True):
            states.tails[write] = flat_tokens(new, source)
        return attend_codes(*self._layers[layer], rows, queries, scale)

    def _picked(self, states: QuantizedStates, new: Tensor, layout: BatchLayout) -> Tensor:
        """What a batch sees, picked from the unpacked states of all its rows."""
        sealed = len(layout.sealed) * self._blocks.size
        states.tails[layout.write] = flat_tokens(new, layout.source)
        stored = states.read(layout.sealed, len(layout.tails))
        stored[sealed:] = states.tails[layout.tails]
        return stored.index_select(0, layout.read).view(len(new), -1, *stored.shape[1:]).transpose(1, 2)

    def _taken(self, states: QuantizedStates, new: Tensor, layout: LoneLayout) -> Tensor:
        """What a single row sees. Tokens of a prefill are accepted, so blocks that they fill are quantized at once, as
        they would be block by block."""
        exact = torch.cat([states.tails[layout.tail : layout.tail + layout.open], flat_tokens(new, None)])
        filled = len(layout.filled) * self._blocks.size
        if layout.filled:
            states.put(layout.filled, exact[:filled].unflatten(0, (len(layout.filled), -1)))
        states.tails[layout.tail : layout.tail + len(exact) - filled] = exact[filled:]
        stored = states.read(layout.sealed, len(exact))
        stored[len(layout.sealed) * self._blocks.size :] = exact
        return stored.unsqueeze(0).transpose(1, 2)

    def _tail_start(self, request: Request) -> int:
        tail = self._tail_of.get(request.request_id)
        if tail is None:
            tail = self._tail_of[request.request_id] = free_slot(self._tail_of.values())
            # More requests than slots may run after the slots were reduced.
            self.reserve(tail + 1)
        return 1 + tail * self._blocks.size
