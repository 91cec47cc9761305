"""The size of vLLM's KV pool, before anything is loaded: number of blocks, bytes per block, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.engine.backends.base import ELSEWHERE, EngineError
from playground.engine.checkpoint.heads import heads_by_layer
from playground.engine.memory import KV_CPU_BYTES, KV_SHARE
from playground.protocol.dtypes import ITEM_BYTES
from playground.protocol.options import EngineOptions
from playground.text.sizes import format_bytes

SPARE, SPARE_SHARE = 64 * 2**20, 32  # a start also takes this much, or one part in this many of free memory
KV_BYTES = {"fp8": 1.0, "int8": 1.0, "int4": 0.5}


@dataclass(frozen=True)
class Pool:
    """`count` blocks of `size` tokens, `block_bytes` each, over all ranks."""

    count: int
    size: int
    block_bytes: int

    @property
    def tokens(self) -> int:
        """Tokens that the pool holds."""
        return self.count * self.size


def plan_pool(config: Any, options: EngineOptions, free: int, weights: int, cpu: bool) -> Pool:
    """The pool for these options, with weights of `weights` bytes in the same `free` bytes; raises `EngineError` with
    the number to lower and what would fit."""
    block = max(1, int(token_bytes(config, options) * options.block_size))
    budget = min(int(free * KV_SHARE), KV_CPU_BYTES) if cpu else int(free * KV_SHARE)
    count = max(1, budget // block) if options.kv_blocks == "auto" else int(options.kv_blocks)
    # vLLM keeps one block for itself.
    needed, room = (count + 1) * block, max(0, free - weights - max(SPARE, free // SPARE_SHARE))
    if needed > room:
        raise EngineError(
            f"{count} KV blocks need {format_bytes(needed)} and {format_bytes(room)} are free beside the weights",
            f"lower kv_blocks; at most {max(0, room // block - 1)} would fit",
        )
    return Pool(count, options.block_size, block)


def item_bytes(config: Any, options: EngineOptions) -> int:
    """Bytes of a number in the dtype that the model computes in."""
    stored = str(getattr(config, "dtype", None) or "float32").removeprefix("torch.")
    return ITEM_BYTES.get(options.dtype if options.dtype != "auto" else stored, 2)


def token_bytes(config: Any, options: EngineOptions) -> float:
    """Bytes of keys and values of one token over all layers, as the config predicts them; raises `EngineError` where
    the layers differ."""
    text = config.get_text_config()
    item = KV_BYTES.get(options.kv_cache, item_bytes(config, options))
    if latent := getattr(text, "kv_lora_rank", None):
        return float(text.num_hidden_layers * (latent + text.qk_rope_head_dim) * item)
    heads = heads_by_layer(text)
    if len({each.key_width for each in heads}) != 1:
        raise EngineError("attention heads differ in size by layer, so the KV pool cannot be planned", ELSEWHERE)
    return float(2 * sum(each.key_width for each in heads) * item)
