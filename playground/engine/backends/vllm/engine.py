"""vLLM's engine as it runs in this process, and what it reports about itself."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from playground.engine.backends.vllm.arguments import most_slots, most_tokens
from playground.engine.backends.vllm.pool import Pool
from playground.engine.checkpoint.tokenizer import Tokenizer
from playground.protocol.options import EngineOptions, as_text

KV_NAMES = {"auto": "model", "int8_per_token_head": "int8", "int4_per_token_head": "int4"}


@dataclass
class Engine:
    """A running `LLMEngine`, the options that it was started with, and the facts that its workers report."""

    llm: Any
    options: EngineOptions
    tokenizer: Tokenizer
    facts: list[dict[str, Any]]
    context: int
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def core(self) -> Any:
        """vLLM's `EngineCore`, in this process."""
        return self.llm.engine_core.engine_core

    @property
    def scheduler(self) -> Any:
        """vLLM's scheduler, which reports its steps."""
        return self.core.scheduler

    @cached_property
    def pool(self) -> Pool:
        """The pool as vLLM laid it out, without the block that it keeps for itself."""
        config = self.scheduler.kv_cache_config
        total = sum(tensor.size for tensor in config.kv_cache_tensors) * len(self.facts)
        return Pool(config.num_blocks - 1, self.scheduler.block_size, total // config.num_blocks)

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights over all ranks, from the tensors."""
        return sum(fact["weights_bytes"] for fact in self.facts)

    @property
    def quantized(self) -> str:
        """vLLM's name for how the weights are quantized; empty if they are not."""
        return str(self.llm.vllm_config.model_config.quantization or "")

    @property
    def failed(self) -> bool:
        """Whether a process of the engine died, after which the engine cannot go on."""
        return bool(getattr(self.core.model_executor, "is_failed", False))

    def limit(self, options: EngineOptions) -> None:
        """Set slots and tokens per step from the next step on, within what the start made room for."""
        self.scheduler.max_num_active_reqs = options.max_batch
        self.scheduler.max_num_scheduled_tokens = options.token_budget

    def can_apply(self, options: EngineOptions) -> bool:
        """Whether the start made room for these slots and this budget."""
        return options.max_batch <= most_slots(self.options) and options.token_budget <= most_tokens(self.options)

    def effective(self, options: EngineOptions) -> dict[str, str]:
        """The options that vLLM really uses, read back from it."""
        config, scheduler = self.llm.vllm_config, self.scheduler
        attention = ", ".join(self.facts[0]["attention"])
        cache = str(config.cache_config.cache_dtype)
        speculative = config.speculative_config
        mode = str(getattr(config.compilation_config.mode, "name", config.compilation_config.mode))
        return as_text(options) | {
            "device": str(config.device_config.device_type),
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "weights": "fp8" if options.weights == "fp8" and "fp8" in self.quantized else self.quantized or "model",
            "attention": attention,
            "attention_prefill": attention,
            "attention_decode": attention,
            "kv_cache": KV_NAMES.get(cache, cache),
            "kv_blocks": str(self.pool.count),
            "block_size": str(scheduler.block_size),
            "batching": "continuous",
            "max_batch": str(min(scheduler.max_num_active_reqs, scheduler.max_num_running_reqs)),
            "token_budget": str(scheduler.max_num_scheduled_tokens),
            "prefix_cache": "on" if config.cache_config.enable_prefix_caching else "off",
            "speculation": f"lookup:{speculative.num_speculative_tokens}" if speculative else "off",
            "compile": "off" if mode in ("NONE", "0", "None") else "on",
            "adapter": "off",
        }

    def outputs(self, check: Callable[[], None] = lambda: None) -> Iterator[Any]:
        """Step until no request is left; yields the outputs of vLLM's front end, and reports none of the steps. `check`
        is called before each step."""
        try:
            while self.llm.has_unfinished_requests() or self.scheduler.has_requests():
                check()
                yield from self.llm.step()
        finally:
            self.scheduler.reported.done.clear()

    def stop(self) -> None:
        """End vLLM's workers and free the model."""
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        self.llm.engine_core.shutdown()
        self.llm = None
        cleanup_dist_env_and_memory()
        gc.collect()
