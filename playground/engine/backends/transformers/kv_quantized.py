"""Blocks of keys and values that are quantized once they are full.

The stored view: a query sees every block before its own as stored, and its own block exactly. So no answer depends
on how a prompt was cut into chunks, who shared the batch, or whether a request was preempted. No dequantized copy
stays: one layer's is made while that layer runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv_cache import Row
from playground.engine.backends.transformers.kv_full import flat_tokens, real_tokens
from playground.engine.backends.transformers.quantization import CHANNELS, TOKENS, Quantized, dequantize, quantize
from playground.engine.blocks import BlockManager
from playground.engine.request import Request


@dataclass(frozen=True)
class Layout:
    """Where one forward writes and reads: new tokens go to `write` in the tails; what is read is the sealed blocks,
    then the tails' rows `tails`, picked by `read` [B * columns] into the batch (None for a lone request: in order)."""

    write: Tensor
    source: Tensor | None
    sealed: Tensor
    tails: Tensor
    read: Tensor | None


class QuantizedStates:
    """Keys or values of one layer: codes for every block, full precision for the blocks that are not full."""

    def __init__(self, like: Tensor, blocks: int, size: int, tails: int, bits: int, axis: int) -> None:
        *_, heads, dim = like.shape
        self._bits, self._axis, self._dtype = bits, axis, like.dtype
        group = (blocks, 1, heads, dim) if axis == TOKENS else (blocks, size, heads, 1)
        self._codes = like.new_empty((blocks, size, heads, dim * bits // 8), dtype=torch.uint8)
        self._step, self._low = (like.new_empty(group, dtype=torch.float16) for _ in range(2))
        self.tails = like.new_zeros(tails, heads, dim)

    @property
    def block_bytes(self) -> int:
        """Bytes of one full block: codes, steps, smallest values."""
        return sum(part[0].nbytes for part in (self._codes, self._step, self._low))

    def put(self, blocks: Sequence[int], states: Tensor) -> None:
        """Quantize whole blocks [n, size, H, D]."""
        quantized = quantize(states, self._bits, self._axis)
        at = list(blocks)
        self._codes[at], self._step[at], self._low[at] = quantized.codes, quantized.step, quantized.low

    def get(self, blocks: Tensor) -> Tensor:
        """The stored view of whole blocks, [n, size, H, D]."""
        parts = (part.index_select(0, blocks) for part in (self._codes, self._step, self._low))
        return dequantize(Quantized(*parts), self._bits, self._dtype)


class QuantizedStore:
    """See `kv_cache.KVStore`. A request has at most one block that is not full; it lies in one of the `tails`, whose
    first row is scratch."""

    splits_at_blocks = True

    def __init__(self, blocks: BlockManager, bits: int) -> None:
        self._blocks, self._bits = blocks, bits
        self._layers: list[tuple[QuantizedStates, QuantizedStates]] = []
        self._tail_of: dict[str, int] = {}
        self._tails = 8
        self._layout: Layout | None = None

    def lay_out(self, rows: Sequence[Row], device: torch.device) -> None:
        """See `KVStore.lay_out`. A row stays within one block, so that every block before it is sealed."""
        size, columns, queries = self._blocks.size, max(row.length for row in rows), max(row.count for row in rows)
        sealed, tails, write, reads = [], [], [], []
        for row in rows:
            full, tail = row.start // size, self._tail_start(row.request)
            kept = torch.arange(tail, tail + row.length - full * size)
            new = torch.zeros(row.count, dtype=torch.long) if row.held else kept[len(kept) - row.count :]
            sealed.append(torch.tensor(row.request.table[:full], dtype=torch.long))
            tails.append(kept)
            write.append(new)
        scratch = sum(map(len, sealed)) * size + sum(map(len, tails))
        at_sealed, at_tail = 0, sum(map(len, sealed)) * size
        for row, blocks, kept in zip(rows, sealed, tails, strict=True):
            pads = torch.full((columns - row.length,), scratch)
            before = torch.arange(at_sealed, at_sealed + len(blocks) * size)
            reads += [pads, before, torch.arange(at_tail, at_tail + len(kept))]
            at_sealed, at_tail = at_sealed + len(before), at_tail + len(kept)
        self._layout = Layout(
            torch.cat(write).to(device),
            real_tokens(rows, queries, device),
            torch.cat(sealed).to(device),
            torch.cat([*tails, torch.zeros(1, dtype=torch.long)]).to(device),
            None if len(rows) == 1 else torch.cat(reads).to(device),
        )

    def exchange(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """See `KVStore.exchange`."""
        self._make(layer, keys.transpose(1, 2), values.transpose(1, 2))
        stored_keys, stored_values = self._layers[layer]
        return self._exchange(stored_keys, keys), self._exchange(stored_values, values)

    def seal(self, request: Request, length: int) -> None:
        """Quantize the request's last block if these tokens fill it."""
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
        keys, values = (states.get(torch.tensor(blocks, device=states.tails.device)) for states in self._layers[layer])
        return keys, values

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_blocks`."""
        self._make(layer, keys, values)
        for states, new in zip(self._layers[layer], (keys, values), strict=True):
            states.put(blocks, new)

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
        blocks, size, rows = self._blocks.count, self._blocks.size, 1 + self._tails * self._blocks.size
        while len(self._layers) <= layer:
            self._layers.append(
                (
                    QuantizedStates(keys, blocks, size, rows, self._bits, TOKENS),
                    QuantizedStates(values, blocks, size, rows, self._bits, CHANNELS),
                )
            )

    def _exchange(self, states: QuantizedStates, new: Tensor) -> Tensor:
        layout = self._layout
        assert layout is not None
        states.tails[layout.write] = flat_tokens(new, layout.source)
        stored = torch.cat([states.get(layout.sealed).flatten(0, 1), states.tails[layout.tails]])
        if layout.read is None:
            return stored[:-1].unsqueeze(0).transpose(1, 2)
        return stored.index_select(0, layout.read).view(len(new), -1, *stored.shape[1:]).transpose(1, 2)

    def _tail_start(self, request: Request) -> int:
        tail = self._tail_of.get(request.request_id)
        if tail is None:
            taken = set(self._tail_of.values())
            tail = next(index for index in range(len(taken) + 1) if index not in taken)
            self._tail_of[request.request_id] = tail
            if tail >= self._tails:
                self._grow()
        return 1 + tail * self._blocks.size

    def _grow(self) -> None:
        self._tails *= 2
        rows = 1 + self._tails * self._blocks.size
        for states in (states for layer in self._layers for states in layer):
            tails = states.tails.new_zeros(rows, *states.tails.shape[1:])
            tails[: len(states.tails)] = states.tails
            states.tails = tails
