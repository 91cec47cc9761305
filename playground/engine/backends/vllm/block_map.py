"""Which request holds which blocks of vLLM's pool. Its block 0 belongs to no request, so ours count from the next."""

from __future__ import annotations

from playground.engine.backends.vllm.loop import VllmLoop
from playground.engine.block_map import spans
from playground.protocol.events import BlocksMapped
from playground.protocol.steps import BlockTable


def block_map(loop: VllmLoop) -> BlocksMapped:
    """The tables of all requests that hold blocks, before the next step."""
    scheduler, pool = loop.engine.scheduler, loop.engine.pool
    blocks = scheduler.kv_cache_manager.block_pool.blocks
    cached = [block.block_id - 1 for block in blocks[1:] if block.ref_cnt == 0 and block.block_hash is not None]
    tables = {
        ours: BlockTable(
            blocks=[number - 1 for number in scheduler.kv_cache_manager.get_block_ids(inner)[0] if number],
            tokens=scheduler.requests[inner].num_computed_tokens,
        )
        for inner, ours in loop.known.items()
        if inner in scheduler.requests
    }
    return BlocksMapped(
        step=loop.step_index, count=pool.count, size=pool.size, tables=_holding(tables), cached=spans(cached)
    )


def _holding(tables: dict[str, BlockTable]) -> dict[str, BlockTable]:
    return {request_id: table for request_id, table in tables.items() if table.blocks}
