"""One start of vLLM's engine in this process, and what it says of itself afterwards."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.vllm.arguments import engine_arguments, most_slots, most_tokens
from playground.engine.backends.vllm.faults import DIED, as_engine_error
from playground.engine.backends.vllm.pool import Pool
from playground.engine.backends.vllm.stages import staged
from playground.engine.backends.vllm.support import platform
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.tokenizer import Tokenizer
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions, as_text

VISIBLE = "CUDA_VISIBLE_DEVICES"
_asked_devices = os.environ.get(VISIBLE)  # the user's own, which each load starts from
KV_NAMES = {"auto": "model", "int8_per_token_head": "int8", "int4_per_token_head": "int4"}


@dataclass
class Engine:
    """A running `LLMEngine`, the options that it was started with, and what its workers report."""

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
        """The pool as vLLM laid it out; the block that it keeps for itself is no part of it."""
        config = self.scheduler.kv_cache_config
        total = sum(tensor.size for tensor in config.kv_cache_tensors) * len(self.facts)
        return Pool(config.num_blocks - 1, self.scheduler.block_size, total // config.num_blocks)

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights over all ranks, from the tensors."""
        return sum(fact["weights_bytes"] for fact in self.facts)

    @property
    def quantized(self) -> str:
        """How vLLM says that the weights are quantized; empty where they are not."""
        return str(self.llm.vllm_config.model_config.quantization or "")

    @property
    def failed(self) -> bool:
        """A process that belongs to the engine is gone, and with it the engine."""
        return bool(getattr(self.core.model_executor, "is_failed", False))

    def limit(self, options: EngineOptions) -> None:
        """Set slots and tokens a step from the next step on, within what the start made room for."""
        self.scheduler.max_num_active_reqs = options.max_batch
        self.scheduler.max_num_scheduled_tokens = options.token_budget

    def can_apply(self, options: EngineOptions) -> bool:
        """The start made room for these slots and this budget."""
        return options.max_batch <= most_slots(self.options) and options.token_budget <= most_tokens(self.options)

    def effective(self, options: EngineOptions) -> dict[str, str]:
        """What vLLM really uses, read back from it."""
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

    def stop(self) -> None:
        """End vLLM's workers and let the model go."""
        from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

        self.llm.engine_core.shutdown()
        self.llm = None
        cleanup_dist_env_and_memory()
        gc.collect()


def prepare(command: LoadModel) -> None:
    """Before vLLM is imported: this process is its engine core, and nothing is sent home."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1"}
    # numba, which drafts, sets the threads of everybody; with two of them on busy cores a step took ten times as long.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    # A rank that waits for one that is dead never ends by itself, and so long nobody is told.
    os.environ.setdefault("VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS", "1")
    if command.tensor_parallel > 1:
        # Its own choice wants a NUMA node for each rank, and a machine with one has none for the second.
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    devices = visible_devices(command.options.device, _asked_devices)
    if devices is None:
        os.environ.pop(VISIBLE, None)
    else:
        os.environ[VISIBLE] = devices


def visible_devices(device: str, asked: str | None) -> str | None:
    """What CUDA is to show vLLM, which takes the first: of the cards that the user shows, by number or UUID, the one
    that `device` counts to, or all of them. Raises `EngineError` where there are not so many."""
    kind, _, number = device.partition(":")
    if kind != "cuda" or not number:
        return asked
    if asked is None:
        return number
    entries = [entry.strip() for entry in asked.split(",") if entry.strip()]
    if int(number) >= len(entries):
        raise EngineError(f"{VISIBLE}={asked} shows no {device}", "its entries are counted from cuda:0")
    return entries[int(number)]


def device_name(kind: str, asked: str) -> str:
    """The card by the number that it was asked for by: vLLM, which sees no other, gives it none."""
    return asked if asked.startswith(f"{kind}:") else kind


def start(
    command: LoadModel,
    checkpoint: Checkpoint,
    options: EngineOptions,
    tokenizer: Tokenizer,
    context: int,
    pool: Pool,
    progress: Progress,
    expected: float | None,
) -> Engine:
    """Start vLLM with these options; raises `EngineError` in plain words, `Cancelled` where a stage ends."""
    arguments = engine_arguments(command, checkpoint, options, pool, context, platform())
    with staged(progress, expected) as stages:
        stages.tell("config", "vLLM's configuration")
        try:
            llm, facts = _built(arguments)
        except Exception as error:
            traceback.print_exc()
            _let_go(error)
            raise as_engine_error(error, checkpoint.name, options) from error
    running = Engine(llm, options, tokenizer, facts, context, stages.seconds)
    running.limit(options)
    return running


def _let_go(error: BaseException) -> None:
    """What a start had built when it ended hangs on the frames of its fault: it would keep its memory and processes,
    and, whenever it goes, take down what the next start has set up."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
    gc.collect()
    cleanup_dist_env_and_memory()


def _die() -> None:
    """On the thread by which vLLM watches its processes: nothing can go on, whether a request runs or none, so this
    process ends, which is told."""
    print(DIED, file=sys.stderr, flush=True)
    os._exit(1)


def _built(arguments: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """vLLM's `LLMEngine`, and what its workers report of themselves."""
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

    from playground.engine.backends.vllm.steps import AsyncStepScheduler, StepScheduler

    config = EngineArgs(**arguments).create_engine_config()
    ahead = config.scheduler_config.async_scheduling
    config.scheduler_config.scheduler_cls = AsyncStepScheduler if ahead else StepScheduler
    engine = LLMEngine.from_vllm_config(config, disable_log_stats=True)
    _keep_kernels()
    engine.engine_core.engine_core.model_executor.register_failure_callback(_die)
    return engine, engine.collective_rpc("playground_facts")


def _keep_kernels() -> None:
    """Kernels are replaced once in a process: a second start would wrap the wrappers, and falls over llvmlite, which
    speculation imports (vLLM 0.32, `triton_utils/dispatcher.py`)."""
    from vllm.platforms import current_platform

    type(current_platform).register_triton_kernel_overrides = classmethod(lambda cls: None)
