"""Move the KV of running requests into other blocks: another dtype, or another number of them."""

from __future__ import annotations

from collections.abc import Sequence

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.kv.full import FullStore
from playground.engine.backends.transformers.kv.quantized import QuantizedStore
from playground.engine.backends.transformers.kv.store import KVStore
from playground.engine.blocks import BlockManager
from playground.engine.request import Request
from playground.protocol.dtypes import CODE_BITS


def make_store(kind: str, blocks: BlockManager, slots: int) -> KVStore:
    """The store of a `kv_cache` value, for up to `slots` concurrent requests."""
    return QuantizedStore(blocks, kind, slots) if kind in CODE_BITS else FullStore(blocks)


def move(
    requests: Sequence[Request], old: KVStore, new: KVStore, blocks: BlockManager, layers: int, progress: Progress
) -> None:
    """Copy every stored token of `requests`, layer by layer, into blocks taken from `blocks`, the manager of `new`.

    A block that several requests share is copied once and stays shared. If it fails, the requests are unchanged.
    """
    tables = blocks.take_over(requests)
    full = {request.request_id: request.computed // blocks.size for request in requests}
    pairs: dict[int, int] = {}
    for request in requests:
        count = full[request.request_id]
        pairs |= zip(request.table[:count], tables[request.request_id][:count], strict=True)
    sources, targets = list(pairs), list(pairs.values())
    tailed = [request for request in requests if request.computed % blocks.size]
    for layer in range(layers if requests else 0):
        if pairs and not new.copy_blocks(layer, old, sources, targets):
            new.write_blocks(layer, targets, *old.read_blocks(layer, sources))
        for request in tailed:
            at = full[request.request_id]
            tail = old.read_tail(layer, request, request.table[at])
            new.write_tail(layer, request, tables[request.request_id][at], *tail)
        progress("converting", layer + 1, layers, "KV cache")
    for request in requests:
        old.forget(request)
        request.table = tables[request.request_id]
