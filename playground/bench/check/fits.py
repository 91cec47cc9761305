"""What fits on this device: weights, and the tokens of KV cache next to them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from playground.bench.engine import WorkerEngine
from playground.protocol.events import CheckFinding
from playground.protocol.metrics import Memory
from playground.text.sizes import format_memory


async def check_fits(engine: WorkerEngine) -> AsyncIterator[CheckFinding]:
    """Check by the engine's own block count under its memory budget."""
    facts, effective = engine.loaded.facts, engine.fold.effective
    room = int(effective["kv_blocks"]) * int(effective["block_size"])
    whole = room // facts.context
    memory = engine.fold.memory or Memory()
    weights = f"weights {format_memory(memory.weights or facts.weights_bytes)} on {facts.device}"
    weights += f", {format_memory(memory.weights_predicted)} on disk" if memory.weights_predicted else ""
    yield CheckFinding(
        name="fits",
        verdict="pass" if whole else "warn",
        evidence=f"{weights}; KV {facts.kv_bytes_per_token} bytes a token, room for {room} tokens: {whole} requests of "
        f"the full context of {facts.context}",
        advice="" if whole else "a quantized kv_cache or more kv_blocks make room; shorter requests run as they are",
    )
