"""Blocks of keys and values that are quantized once they are full.

The stored view: a query sees every block before its own as stored, and its own block exactly. So no answer depends
on how a prompt was cut into chunks, who shared the batch, or whether a request was preempted. No dequantized copy
stays: one layer's is made while that layer runs.

A prefill may reach over the ends of blocks where the architecture takes the mask of `stored_view`: the keys are then
[stored | exact], and a query sees stored keys of earlier blocks and exact ones of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from playground.engine.backends.transformers.kv_cache import KVStore, Row
from playground.engine.backends.transformers.kv_full import flat_tokens, real_tokens
from playground.engine.backends.transformers.quantization import (
    BITS,
    CHANNELS,
    TOKENS,
    Quantized,
    dequantize,
    low_dtype,
    quantize,
)
from playground.engine.blocks import BlockManager
from playground.engine.request import Request


@dataclass(frozen=True)
class Blocks:
    """Blocks by number, [n]; `stretch` where they lie side by side and are read without a copy."""

    numbers: Tensor
    stretch: slice | None

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, part: Tensor) -> Tensor:
        """These blocks of a tensor of all."""
        return part.index_select(0, self.numbers) if self.stretch is None else part[self.stretch]


@dataclass(frozen=True)
class Layout:
    """Where one forward writes and reads: new tokens go to `write` in the tails; what is read is the sealed blocks,
    then the tails' rows `tails`, picked by `read` [B * columns] into the batch."""

    write: Tensor
    source: Tensor | None
    sealed: Blocks
    tails: Tensor
    read: Tensor

    def unpacked(self, size: int) -> int:
        """Tokens that are read before they are picked, of blocks of so many."""
        return len(self.sealed) * size + len(self.tails)


@dataclass(frozen=True)
class LoneLayout:
    """Where the forward of one request writes and reads, in order: `sealed` blocks, the tail from its row `tail` on,
    which holds `open` tokens, and the new ones. Blocks that these fill before the last are `filled` and quantized as
    they come; what follows stays in the tail."""

    filled: list[int]
    tail: int
    open: int
    sealed: Blocks


class QuantizedStates:
    """Keys or values of one layer: codes for every block, full precision for the blocks that are not full."""

    def __init__(self, like: Tensor, blocks: int, size: int, tails: int, kind: str, axis: int) -> None:
        *_, heads, dim = like.shape
        self._kind, self._axis = kind, axis
        group = (blocks, 1, heads, dim) if axis == TOKENS else (blocks, size, heads, 1)
        self._codes = like.new_empty((blocks, size * BITS[kind] // 8, heads, dim), dtype=torch.uint8)
        self._step, low = like.new_empty(group, dtype=torch.float16), low_dtype(kind)
        self._low = None if low is None else like.new_empty(group, dtype=low)
        self.tails = like.new_zeros(tails, heads, dim)

    @property
    def block_bytes(self) -> int:
        """Bytes of one full block: codes, steps, smallest values or zero points."""
        return sum(part[0].nbytes for part in (self._codes, self._step, self._low) if part is not None)

    def put(self, blocks: Sequence[int], states: Tensor) -> None:
        """Quantize whole blocks [n, size, H, D]."""
        quantized, at = quantize(states, self._kind, self._axis), list(blocks)
        self._codes[at], self._step[at] = quantized.codes, quantized.step
        if self._low is not None:
            self._low[at] = quantized.low

    def copy(self, other: QuantizedStates, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Take over blocks of the same kind code by code: quantizing a stored view again would shift it."""
        pairs = ((self._codes, other._codes), (self._step, other._step), (self._low, other._low))
        for mine, theirs in pairs:
            if mine is not None and theirs is not None:
                mine[list(targets)] = theirs[list(sources)]

    def get(self, blocks: Blocks, out: Tensor) -> None:
        """Write the stored view of whole blocks into `out`, [n * size, H, D]."""
        codes, step = blocks.of(self._codes), blocks.of(self._step)
        low = None if self._low is None else blocks.of(self._low)
        size = codes.shape[1] * 8 // BITS[self._kind]
        dequantize(Quantized(codes, step, low), self._kind, out.unflatten(0, (len(blocks), size)))


class QuantizedStore:
    """See `kv_cache.KVStore`. A request has at most one block that is not full; it lies in one of the `tails`, whose
    first row is scratch."""

    splits_at_blocks = True

    def __init__(self, blocks: BlockManager, kind: str, slots: int) -> None:
        self._blocks, self._kind, self.tails = blocks, kind, slots
        self._layers: list[tuple[QuantizedStates, QuantizedStates]] = []
        self._tail_of: dict[str, int] = {}
        self._layout: Layout | LoneLayout | None = None
        self.transient_bytes = 0

    @property
    def made(self) -> bool:
        """See `KVStore`."""
        return bool(self._layers)

    def reserve(self, slots: int) -> None:
        """See `KVStore.reserve`; tails that were there stay."""
        self.tails = max(self.tails, slots)
        rows = 1 + self.tails * self._blocks.size
        for states in (states for layer in self._layers for states in layer):
            if len(states.tails) < rows:
                tails = states.tails.new_zeros(rows, *states.tails.shape[1:])
                tails[: len(states.tails)] = states.tails
                states.tails = tails

    def copied(self, rows: Sequence[Row]) -> int:
        """See `KVStore.copied`: a batch is unpacked, then picked apart into its rows."""
        token = max((sum(states.tails[0].nbytes for states in layer) for layer in self._layers), default=0)
        columns, unpacked = len(rows) * max(row.length for row in rows), 1 + sum(row.length for row in rows)
        return (columns + unpacked * (len(rows) > 1)) * token

    def lay_out(self, rows: Sequence[Row], device: torch.device) -> None:
        """See `KVStore.lay_out`. Rows stay within one block each, so that every block before them is sealed; a lone
        one may be longer."""
        if len(rows) == 1:
            self._layout = self._lone_layout(rows[0], device)
            return
        size, columns, queries = self._blocks.size, max(row.length for row in rows), max(row.count for row in rows)
        sealed, tails, write, reads = [], [], [], []
        for row in rows:
            full, tail = row.start // size, self._tail_start(row.request)
            kept = torch.arange(tail, tail + row.length - full * size)
            new = torch.zeros(row.count, dtype=torch.long) if row.held else kept[len(kept) - row.count :]
            sealed.append(row.request.table[:full])
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
            _blocks([block for blocks in sealed for block in blocks], device),
            torch.cat([*tails, torch.zeros(1, dtype=torch.long)]).to(device),
            torch.cat(reads).to(device),
        )

    def exchange(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """See `KVStore.exchange`."""
        self._make(layer, keys.transpose(1, 2), values.transpose(1, 2))
        stored_keys, stored_values = self._layers[layer]
        seen = self._exchange(stored_keys, keys), self._exchange(stored_values, values)
        # What was unpacked for a batch is gone once its rows are picked out, keys before values.
        tokens = self._layout.unpacked(self._blocks.size) if isinstance(self._layout, Layout) else 0
        unpacked = tokens * stored_values.tails[0].nbytes
        self.transient_bytes = max(self.transient_bytes, unpacked + sum(states.nbytes for states in seen))
        return seen

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
        size = self._blocks.size

        def read(states: QuantizedStates) -> Tensor:
            out = states.tails.new_empty(len(blocks) * size, *states.tails.shape[1:])
            states.get(_blocks(blocks, out.device), out)
            return out.unflatten(0, (len(blocks), size))

        keys, values = (read(states) for states in self._layers[layer])
        return keys, values

    def write_blocks(self, layer: int, blocks: Sequence[int], keys: Tensor, values: Tensor) -> None:
        """See `KVStore.write_blocks`."""
        self._make(layer, keys, values)
        for states, new in zip(self._layers[layer], (keys, values), strict=True):
            states.put(blocks, new)

    def copies(self, other: KVStore) -> bool:
        """See `KVStore.copies`."""
        return isinstance(other, QuantizedStore) and other._kind == self._kind

    def copy_blocks(self, layer: int, other: KVStore, sources: Sequence[int], targets: Sequence[int]) -> None:
        """See `KVStore.copy_blocks`."""
        assert isinstance(other, QuantizedStore)
        theirs = other._layers[layer]
        self._make(layer, theirs[0].tails, theirs[1].tails)
        for mine, states in zip(self._layers[layer], theirs, strict=True):
            mine.copy(states, sources, targets)

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
                    QuantizedStates(keys, blocks, size, rows, self._kind, TOKENS),
                    QuantizedStates(values, blocks, size, rows, self._kind, CHANNELS),
                )
            )

    def _exchange(self, states: QuantizedStates, new: Tensor) -> Tensor:
        layout, size = self._layout, self._blocks.size
        assert layout is not None
        if isinstance(layout, LoneLayout):
            return self._exchange_lone(states, new, layout)
        states.tails[layout.write] = flat_tokens(new, layout.source)
        sealed = len(layout.sealed) * size
        stored = states.tails.new_empty(sealed + len(layout.tails), *states.tails.shape[1:])
        states.get(layout.sealed, stored[:sealed])
        stored[sealed:] = states.tails[layout.tails]
        return stored.index_select(0, layout.read).view(len(new), -1, *stored.shape[1:]).transpose(1, 2)

    def _exchange_lone(self, states: QuantizedStates, new: Tensor, layout: LoneLayout) -> Tensor:
        """Tokens of a prefill are accepted: what they fill is sealed at once, as it would be block by block."""
        tokens, sealed = flat_tokens(new, None), len(layout.sealed) * self._blocks.size
        exact, filled = layout.open + len(tokens), len(layout.filled) * self._blocks.size
        stored = tokens.new_empty(sealed + exact, *tokens.shape[1:])
        stored[sealed : sealed + layout.open] = states.tails[layout.tail : layout.tail + layout.open]
        stored[sealed + layout.open :] = tokens
        if layout.filled:
            states.put(layout.filled, stored[sealed : sealed + filled].unflatten(0, (len(layout.filled), -1)))
        states.tails[layout.tail : layout.tail + exact - filled] = stored[sealed + filled :]
        states.get(layout.sealed, stored[:sealed])
        return stored.unsqueeze(0).transpose(1, 2)

    def _lone_layout(self, row: Row, device: torch.device) -> LoneLayout:
        first, last = row.start // self._blocks.size, (row.length - 1) // self._blocks.size
        sealed = _blocks(row.request.table[:last], device)
        tail = self._tail_start(row.request)
        return LoneLayout(row.request.table[first:last], tail, row.start % self._blocks.size, sealed)

    def _tail_start(self, request: Request) -> int:
        tail = self._tail_of.get(request.request_id)
        if tail is None:
            taken = set(self._tail_of.values())
            tail = next(index for index in range(len(taken) + 1) if index not in taken)
            self._tail_of[request.request_id] = tail
            # More run than there are slots where those were made fewer.
            self.reserve(tail + 1)
        return 1 + tail * self._blocks.size


def _blocks(numbers: Sequence[int], device: torch.device) -> Blocks:
    side_by_side = bool(numbers) and all(after - before == 1 for before, after in pairwise(numbers))
    stretch = slice(numbers[0], numbers[-1] + 1) if side_by_side else None
    return Blocks(torch.tensor(numbers, dtype=torch.long, device=device), stretch)
