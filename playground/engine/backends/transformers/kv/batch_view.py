"""Keeps the gathered keys and values of a decoding batch between steps, since each step only appends one token."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from playground.engine.backends.transformers.kv.row import BatchRow

# Columns that a copy can grow by before everything is gathered again.
ROOM = 32


class BatchView:
    """Keys and values of every layer, [B, Hkv, columns + room, D], rows aligned at their newest token; head by head, as
    attention reads them fastest. While the same requests decode one token per step, `add` writes one column, and
    nothing has to be gathered from blocks."""

    def __init__(self) -> None:
        self._rows: list[BatchRow] = []
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._columns = self._end = self._capacity = 0
        self.bytes_peak = 0

    def start(self, rows: Sequence[BatchRow]) -> int:
        """Begin a view of these rows, each with `ROOM` free columns; returns the number of columns."""
        self.drop()
        self._rows, self._end = list(rows), max(row.length for row in rows)
        self._columns, self._capacity = self._end, self._end + ROOM
        return self._capacity

    def follows(self, rows: Sequence[BatchRow]) -> bool:
        """Whether these are the same requests, each one token on and held ones unchanged; if so, they become the view's
        rows."""
        if len(rows) != len(self._rows) or self._end == self._capacity:
            return False
        for now, before in zip(rows, self._rows, strict=True):
            on = now.start == before.length - before.held
            if now.request is not before.request or now.count != 1 or now.held != before.held or not on:
                return False
        self._rows, self._end, self._columns = list(rows), self._end + 1, max(row.length for row in rows)
        return True

    def keep(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep gathered states, [B, columns + room, Hkv, D]; returns all that the rows see, [B, Hkv, columns, D]."""
        return self._hold(layer, keys.transpose(1, 2).contiguous(), values.transpose(1, 2).contiguous())

    def fill(self, layer: int, stores: tuple[Tensor, Tensor], parts: Sequence[Tensor | slice]) -> tuple[Tensor, Tensor]:
        """Gather and keep a layer's storage, [tokens, Hkv, D], of which each row sees a part; returns as `keep`."""
        keys, values = (self._filled(store, parts) for store in stores)
        return self._hold(layer, keys, values)

    def _filled(self, store: Tensor, parts: Sequence[Tensor | slice]) -> Tensor:
        kept = store.new_zeros(len(parts), store.shape[1], self._capacity, store.shape[2])
        for row, at, part in zip(self._rows, kept, parts, strict=True):
            at[:, self._end - row.length : self._end] = store[part].transpose(0, 1)
        return kept

    def _hold(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self._layers[layer] = keys, values
        self.bytes_peak = max(self.bytes_peak, sum(kept.nbytes for pair in self._layers.values() for kept in pair))
        return self._seen(keys), self._seen(values)

    def add(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the new column [B, Hkv, 1, D] of a layer; returns all that the rows see, [B, Hkv, columns, D]."""
        kept_keys, kept_values = self._layers[layer]
        kept_keys.narrow(2, self._end - 1, 1).copy_(keys)
        kept_values.narrow(2, self._end - 1, 1).copy_(values)
        return self._seen(kept_keys), self._seen(kept_values)

    def holds(self, request: object) -> bool:
        """Whether the request is one of the rows."""
        return any(row.request is request for row in self._rows)

    def drop(self) -> None:
        """Drop the copies."""
        self._rows, self._layers = [], {}

    def _seen(self, kept: Tensor) -> Tensor:
        return kept.narrow(2, self._end - self._columns, self._columns)
