"""How many KV blocks fit beside a model."""

from __future__ import annotations

from bisect import bisect_right
from functools import partial

import torch

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.kv.copies import most_bytes, most_copied
from playground.engine.backends.transformers.kv.shape import KVShape
from playground.engine.blocks import BlockManager
from playground.engine.memory import KV_CPU_BYTES, KV_SHARE, available
from playground.protocol.options import EngineOptions
from playground.text.sizes import format_bytes


class KVBudget:
    """Bytes of one model's KV, and how much of it fits; a request has at most `context` tokens."""

    def __init__(self, shape: KVShape, context: int, device: torch.device) -> None:
        self._shape, self._context, self._device = shape, context, device

    def blocks(self, options: EngineOptions, held: int = 0) -> BlockManager:
        """The blocks that the options request, replacing blocks of `held` bytes that stay until everything is moved;
        raises `EngineError` if they do not fit."""
        size, tails = self.block_bytes(options), options.max_batch * self.tail_bytes(options)
        free = available(self._device) or KV_CPU_BYTES
        on_gpu = self._device.type == "cuda"
        budget = min(free, int((free + held) * KV_SHARE)) if on_gpu else min(int(free * KV_SHARE), KV_CPU_BYTES)
        need = partial(self._need, options)
        most = max(0, bisect_right(range(free // size + 1), free, key=need) - 1)
        count = int(options.kv_blocks) if options.kv_blocks != "auto" else max(1, min(most, (budget - tails) // size))
        if count > most:
            raise EngineError(
                f"{count} KV blocks need {format_bytes(need(count))} and {format_bytes(free)} are free",
                f"at most {most} would fit",
            )
        return BlockManager(count, options.block_size, prefix_cache=options.prefix_cache)

    def reason(self, reserved: int) -> str:
        """Why `auto` chose this many bytes."""
        most = format_bytes(KV_CPU_BYTES)
        return f"{format_bytes(reserved)}: {KV_SHARE:.0%} of what was free, at most {most} on a CPU"

    def block_bytes(self, options: EngineOptions) -> int:
        """Bytes of one block."""
        return self._shape.block_bytes(options.kv_cache, options.block_size)

    def tail_bytes(self, options: EngineOptions) -> int:
        """Bytes of a slot's open block; 0 where it is one of the other blocks."""
        return self._shape.tail_bytes(options.kv_cache, options.block_size)

    def _need(self, options: EngineOptions, count: int) -> int:
        """Bytes of `count` blocks, of the tails of all slots, and of copies while a forward runs."""
        held = count * self.block_bytes(options) + options.max_batch * self.tail_bytes(options)
        longest = min(self._context, count * options.block_size)
        return held + most_copied(self._shape, options.max_batch, longest, most_bytes(self._device))
