"""Bytes of the KV cache by dtype, computed from the model's facts; the engine must measure the same. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from playground.protocol.dtypes import CODE_BITS, ITEM_BYTES
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import blocks_for

# Bytes of a group of keys, and of values: a scale in float16, and for integers the offset of the codes: a minimum in
# float16 or a zero point of one byte.
GROUP_BYTES = {"fp8": (2, 2), "int8": (4, 4), "int4": (3, 4), "int2": (3, 4)}
# Extra bytes per layer and block for keys of kinds that pack several codes into a byte.
TRAILER_BYTES = {"int4": 4, "int2": 4}


@dataclass(frozen=True)
class Capacity:
    """What a budget of bytes holds under one dtype: `tokens`, and whole `requests` of the model's full context."""

    kv_cache: str
    token_bytes: float
    tokens: int
    requests: int


def token_bytes(facts: ModelFacts, kv_cache: str, block_size: int) -> float:
    """Bytes of one token in a full block. Keys have a group per channel and block, values one per token and head."""
    if kv_cache not in CODE_BITS:
        return float(facts.kv_bytes_per_token)
    numbers = facts.kv_bytes_per_token / ITEM_BYTES.get(facts.dtype, 2)
    groups = facts.key_width / block_size, facts.value_heads
    scales = sum(count * each for count, each in zip(groups, GROUP_BYTES[kv_cache], strict=True))
    trailers = facts.layers * TRAILER_BYTES.get(kv_cache, 0) / block_size
    return numbers * CODE_BITS[kv_cache] / 8 + scales + trailers


def tail_bytes(facts: ModelFacts, kv_cache: str, block_size: int) -> int:
    """Bytes of a slot's unquantized tail block; 0 unless the cache is quantized."""
    return facts.kv_bytes_per_token * block_size if kv_cache in CODE_BITS else 0


def capacity(facts: ModelFacts, kv_cache: str, block_size: int, budget: int, slots: int) -> Capacity:
    """Capacity of a budget in whole blocks, without the tails of `slots`."""
    each = token_bytes(facts, kv_cache, block_size)
    room = max(0, budget - slots * tail_bytes(facts, kv_cache, block_size))
    tokens = room // round(each * block_size) * block_size if each else 0
    return Capacity(kv_cache, each, tokens, tokens // facts.context if facts.context else 0)


def fitting(facts: ModelFacts, kv_cache: str, block_size: int, budget: int, tokens: int) -> int:
    """How many requests of `tokens` tokens fit at the same time, in whole blocks, each with a tail block if the cache
    is quantized."""
    block = round(token_bytes(facts, kv_cache, block_size) * block_size)
    each = blocks_for(tokens, block_size) * block + tail_bytes(facts, kv_cache, block_size)
    return budget // each if each else 0


def crossing(facts: ModelFacts, kv_cache: str, block_size: int, weights_bytes: int, requests: int = 1) -> int | None:
    """Tokens of context from which the KV of `requests` requests outweighs the weights; None without KV."""
    each = token_bytes(facts, kv_cache, block_size) * requests
    return int(weights_bytes / each) + 1 if each else None
