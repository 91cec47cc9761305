"""Toggles as arguments of vLLM."""

from __future__ import annotations

from typing import Any

from playground.engine.backends.vllm.pool import Pool
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions, draft_tokens

# Up to these a change of slots or budget is instant; they are far below vLLM's own defaults on a GPU.
MOST_SLOTS, MOST_TOKENS = 64, 2048
HERE = "playground.engine.backends.vllm"
FP8_WEIGHTS = {"cpu": "fp8_per_channel", "cuda": "fp8"}
KV_DTYPES = {"model": "auto", "fp8": "fp8", "int8": "int8_per_token_head", "int4": "int4_per_token_head"}
FLASH = {"flash_attention_2": 2, "flash_attention_3": 3}


def most_slots(options: EngineOptions) -> int:
    """Rows that a start with these options makes room for."""
    return max(MOST_SLOTS, options.max_batch)


def most_tokens(options: EngineOptions) -> int:
    """Tokens a step that a start with these options makes room for."""
    return max(MOST_TOKENS, options.token_budget, most_slots(options))


def engine_arguments(
    command: LoadModel, checkpoint: Checkpoint, options: EngineOptions, pool: Pool, context: int, platform: str
) -> dict[str, Any]:
    """Keyword arguments of `EngineArgs`; `context`: positions of the model."""
    return {
        "model": str(checkpoint.path),
        "trust_remote_code": command.trust_remote_code,
        "load_format": "safetensors" if checkpoint.safetensors else "auto",
        "dtype": options.dtype,
        "quantization": FP8_WEIGHTS[platform] if options.weights == "fp8" else None,
        "kv_cache_dtype": KV_DTYPES[options.kv_cache],
        "block_size": options.block_size,
        "kv_cache_memory_bytes": (pool.count + 1) * pool.block_bytes // command.tensor_parallel,
        "max_model_len": min(context, pool.tokens),
        "max_num_seqs": most_slots(options),
        "max_num_batched_tokens": most_tokens(options),
        "enable_prefix_caching": options.prefix_cache,
        "enforce_eager": not options.compile,
        "tensor_parallel_size": command.tensor_parallel,
        "distributed_executor_backend": executor(command),
        "worker_extension_cls": f"{HERE}.worker_extension.FactsExtension",
        "disable_log_stats": True,
        **_attention(options),
        **_speculation(options),
    }


def _attention(options: EngineOptions) -> dict[str, Any]:
    """Empty where vLLM chooses its backend."""
    if options.kv_cache in ("int8", "int4"):
        return {"attention_config": {"backend": "TRITON_ATTN"}}
    if options.attention in FLASH:
        return {"attention_config": {"backend": "FLASH_ATTN", "flash_attn_version": FLASH[options.attention]}}
    return {}


def _speculation(options: EngineOptions) -> dict[str, Any]:
    if not (drafts := draft_tokens(options)):
        return {}
    lookup = {"method": "ngram", "num_speculative_tokens": drafts, "prompt_lookup_max": 4, "prompt_lookup_min": 2}
    return {"speculative_config": lookup}


def executor(command: LoadModel) -> str:
    """vLLM's name for where its workers run: in this process, in processes of this machine, or in Ray's."""
    if command.executor != "auto":
        return command.executor
    return "mp" if command.tensor_parallel > 1 else "uni"
