"""A model running on vLLM: its engine, its requests, and the restarts that its toggles need."""

from __future__ import annotations

import torch

from playground.engine.backends.base import Emit, Progress
from playground.engine.backends.vllm.block_map import block_map
from playground.engine.backends.vllm.checkpoint import VllmCheckpoint
from playground.engine.backends.vllm.loop import VllmLoop
from playground.engine.backends.vllm.start import device_name
from playground.engine.backends.vllm.support import platform
from playground.engine.checkpoint.heads import heads_by_layer
from playground.engine.memory import process_memory
from playground.protocol.events import BlocksMapped
from playground.protocol.metrics import Memory
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions
from playground.text.sizes import format_bytes


class Live:
    """`options` are the requested ones; those that vLLM was started with are in `engine.options`."""

    def __init__(self, checkpoint: VllmCheckpoint, options: EngineOptions, progress: Progress, emit: Emit) -> None:
        self.checkpoint, self.options = checkpoint, options
        self.engine, self.verdict = checkpoint.start(options, progress)
        self.loop = VllmLoop(self.engine, emit)
        self.engine.seconds["total"] = self.loop.loaded_at - checkpoint.began

    @property
    def price(self) -> float | None:
        """Seconds of a restart on this machine."""
        return self.checkpoint.times.expected(self.checkpoint.kind(self.options))

    def limit(self, options: EngineOptions) -> None:
        """Set slots and token budget, from the next step on."""
        self.engine.limit(options)
        self.options = options

    def check_room(self, options: EngineOptions) -> None:
        """Raises `EngineError`, before anything is stopped, if a restart with these options could not fit."""
        self.checkpoint.plan(options, released=self.bytes)

    def restart(self, options: EngineOptions, progress: Progress) -> None:
        """Restart vLLM with other options. Requests continue with what they produced, or end, as `in_flight` says."""
        if self.engine.llm is not None:
            progress("checking", detail="ending vLLM as it was")
            self.engine.stop()
        if self.checkpoint.command.in_flight == "end":
            self.loop.lose("ended: vLLM starts anew for a toggle (in_flight is set to end)")
        self.engine, self.verdict = self.checkpoint.start(options, progress)
        self.options = options
        self.loop.adopt(self.engine)

    def effective(self) -> dict[str, str]:
        """See `Engine.effective`; the GPU by the user's number; and whether the first answers matched the reference."""
        effective = self.engine.effective(self.options)
        return effective | {
            "device": device_name(effective["device"], self.checkpoint.command.options.device),
            "verified": self.verdict.word,
            "verified_facts": str(self.verdict),
        }

    def reasons(self) -> dict[str, str]:
        """Why effective differs from requested, and what the pool holds."""
        pool = self.engine.pool
        capacity = f"{pool.tokens} tokens in {format_bytes(pool.count * pool.block_bytes)}, reserved at the start"
        reasons = {"kv_blocks": f"{capacity}; a switch of dtype changes how many tokens fit, not the bytes"}
        whose = "the checkpoint brings" if self.checkpoint.quantized else "vLLM calls it"
        said = [f"{whose} {self.engine.quantized}"] if self.engine.quantized else []
        if self._counted is not None:
            said.append("their bytes are counted from the checkpoint: vLLM packs them for the CPU")
        if said:
            reasons["weights"] = "; ".join(said)
        if self.options.attention == "auto":
            reasons["attention"] = "vLLM's choice for this device"
        over = len(self.engine.scheduler.running) - self.options.max_batch
        if over > 0:
            reasons["max_batch"] = f"vLLM takes no slot away: {over} more run to their end"
        return reasons

    def memory(self) -> Memory:
        """The current memory ledger."""
        pool, predicted = self.engine.pool, self.checkpoint.files.weight_bytes
        return Memory(
            weights=self.weights_bytes,
            weights_predicted=predicted if self.options.dtype == "auto" and self.options.weights == "model" else None,
            kv_used=self.engine.scheduler.count_blocks().used * pool.block_bytes,
            kv_reserved=self._pool_bytes,
            kv_peak=self.loop.kv_peak,
            **process_memory(),
        )

    @property
    def bytes(self) -> int:
        """Bytes that ending it frees: weights and pool."""
        return self.weights_bytes + self._pool_bytes

    @property
    def _pool_bytes(self) -> int:
        return self.engine.pool.count * self.engine.pool.block_bytes

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights, from the tensors, or from the checkpoint where tensors do not show them."""
        counted = self._counted
        return self.engine.weights_bytes if counted is None else counted

    @property
    def _counted(self) -> int | None:
        """Bytes of the weights by the checkpoint, since on a CPU vLLM packs them into memory that no tensor shows. None
        elsewhere, and where vLLM quantized them itself."""
        if platform() != "cpu" or (self.engine.quantized and not self.checkpoint.quantized):
            return None
        if self.checkpoint.quantized:
            return self.checkpoint.files.weight_bytes
        return self.checkpoint.elements * int(self.engine.llm.vllm_config.model_config.dtype.itemsize)

    def block_map(self) -> BlocksMapped:
        """See `block_map`."""
        return block_map(self.loop)

    def facts(self) -> ModelFacts:
        """Facts of the loaded model; counts are those of the tensors on all ranks."""
        engine, files, text = self.engine, self.checkpoint.files, self.checkpoint.config.get_text_config()
        effective, heads = self.effective(), heads_by_layer(text)
        table = text.vocab_size * text.hidden_size
        return ModelFacts(
            name=files.name,
            path=str(files.path),
            architecture=engine.facts[0]["architecture"],
            parameters=self.checkpoint.elements,
            weights_bytes=self.weights_bytes,
            dtype=effective["dtype"],
            device=effective["device"],
            device_uuid=engine.facts[0]["device_uuid"],
            layers=text.num_hidden_layers,
            vocabulary=text.vocab_size,
            context=engine.context,
            kv_bytes_per_token=engine.pool.block_bytes // engine.pool.size,
            query_width=sum(each.query_width for each in heads),
            key_width=sum(each.key_width for each in heads),
            value_heads=sum(each.keys for each in heads),
            embedding_parameters=0 if getattr(text, "tie_word_embeddings", False) else table,
            output_parameters=table,
            has_chat_template=self.checkpoint.tokenizer.has_chat_template,
            note=str(files.config.get("note", "")),
            load_seconds=engine.seconds,
            threads=torch.get_num_threads(),
        )
