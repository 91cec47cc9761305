"""Move the KV of running requests into other blocks: another dtype, or another number of them."""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.kv.cache import KVStore
from playground.engine.backends.transformers.kv.full import FullStore
from playground.engine.backends.transformers.kv.quantization import BITS
from playground.engine.backends.transformers.kv.quantized import QuantizedStore
from playground.engine.blocks import BlockManager
from playground.engine.request import Request


def make_store(kind: str, blocks: BlockManager, slots: int) -> KVStore:
    """The store of a `kv_cache` value, for so many requests at a time."""
    return QuantizedStore(blocks, kind, slots) if kind in BITS else FullStore(blocks)


def move(
    requests: Sequence[Request], old: KVStore, new: KVStore, blocks: BlockManager, layers: int, progress: Progress
) -> None:
    """Copy every stored token of `requests`, layer by layer, into blocks taken from `blocks`, the manager of `new`.

    A block that several requests share is copied once and stays shared. On any fault the requests are as before.
    """
    tables = blocks.take_over(requests)
    full = {request.request_id: request.computed // blocks.size for request in requests}
    pairs = {
        source: target
        for request in requests
        for source, target in list(zip(request.table, tables[request.request_id], strict=True))[
            : full[request.request_id]
        ]
    }
    tailed = [request for request in requests if request.computed % blocks.size]
    for layer in range(layers if requests else 0):
        if pairs and new.copies(old):
            new.copy_blocks(layer, old, list(pairs), list(pairs.values()))
        elif pairs:
            new.write_blocks(layer, list(pairs.values()), *old.read_blocks(layer, list(pairs)))
        for request in tailed:
            at = full[request.request_id]
            tail = old.read_tail(layer, request, request.table[at])
            new.write_tail(layer, request, tables[request.request_id][at], *tail)
        progress("converting", layer + 1, layers, "KV cache")
    for request in requests:
        old.forget(request)
        request.table = tables[request.request_id]
