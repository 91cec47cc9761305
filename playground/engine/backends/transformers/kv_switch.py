"""The toggles of the KV cache on one loaded model: dtype, number of blocks and block size, while requests run."""

from __future__ import annotations

import torch

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.kv.budget import KVBudget
from playground.engine.backends.transformers.kv.move import make_store, move
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.backends.transformers.runner import TransformersRunner
from playground.engine.blocks import BlockManager
from playground.engine.core import EngineCore
from playground.protocol.options import EngineOptions

# From fine to coarse.
KINDS = ("model", "int8", "fp8", "int4", "int2")


class KVSwitch:
    """Exchanges the KV store of a runner and moves what running requests have stored."""

    def __init__(self, shape: KVShape, budget: KVBudget, runner: TransformersRunner, core: EngineCore) -> None:
        self.shape, self._budget, self._runner, self._core = shape, budget, runner, core

    @property
    def kind(self) -> str:
        """The value of kv_cache in use."""
        return self._runner.cache.store.kind

    @property
    def reserved_bytes(self) -> int:
        """Bytes of all blocks, plus `tail_bytes`."""
        blocks = self._runner.blocks
        return blocks.count * self.shape.block_bytes(self.kind, blocks.size) + self.tail_bytes

    @property
    def tail_bytes(self) -> int:
        """Bytes of the unquantized open blocks of all slots; 0 where full blocks are not quantized."""
        return self._runner.cache.store.tails * self.shape.tail_bytes(self.kind, self._runner.blocks.size)

    @property
    def auto_reason(self) -> str:
        """Why `kv_blocks=auto` chose this size."""
        return self._budget.reason(self.reserved_bytes)

    @property
    def origins(self) -> set[str]:
        """Coarser kinds of cache that running requests went through."""
        return {request.kv_origin for request in self._core.running} - {""}

    def rebuild(self) -> None:
        """Recompute requests that went through a coarser cache, so that theirs is what the current cache would hold."""
        self._core.preempt([request for request in self._core.running if request.kv_origin])

    def set(self, options: EngineOptions, progress: Progress) -> None:
        """Switch to these options; raises `EngineError` where the blocks do not fit. Blocks of another size have
        another shape, so running requests are recomputed; otherwise what they have stored is moved."""
        blocks = self._budget.blocks(options, self._held_bytes)
        if options.block_size != self._runner.blocks.size:
            self._core.preempt(list(self._core.running))
            self._runner.use_store(blocks, make_store(options.kv_cache, blocks, options.max_batch))
        else:
            self._move(options, blocks, progress)

    def _move(self, options: EngineOptions, blocks: BlockManager, progress: Progress) -> None:
        core, old = self._core, self._runner.cache.store
        while len({block for request in core.running for block in request.table}) > blocks.count:
            core.preempt(core.running[-1:])
        store = make_store(options.kv_cache, blocks, options.max_batch)
        with torch.inference_mode():
            move(core.running, old, store, blocks, self.shape.layers, progress)
        for request in core.running:
            coarsest = max(request.kv_origin or "model", old.kind, key=KINDS.index)
            lost = KINDS.index(coarsest) > KINDS.index(options.kv_cache) and request.computed >= blocks.size
            request.kv_origin = coarsest if lost else ""
        self._runner.use_store(blocks, store)

    @property
    def _held_bytes(self) -> int:
        """Bytes that the current blocks take from what is free; their storage is made by the first token."""
        return self.reserved_bytes if self._runner.cache.store.made else 0
