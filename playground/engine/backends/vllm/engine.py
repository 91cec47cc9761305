"""One start of vLLM's engine in this process, and what it reports about itself afterwards."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterator
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
_user_devices = os.environ.get(VISIBLE)  # the user's own value, from which each load starts
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


def prepare(command: LoadModel) -> None:
    """Set the environment before vLLM is imported: the engine core runs in this process, and no usage data is sent."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1"}
    # numba, which drafts, sets everyone's threads; with two of them on busy cores a step took ten times as long.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    # A rank that waits for a dead one never ends by itself, and until then nothing is reported.
    os.environ.setdefault("VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS", "1")
    if command.tensor_parallel > 1:
        # By default each rank wants a NUMA node of its own, and many machines have only one.
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    devices = visible_devices(command.options.device, _user_devices)
    if devices is None:
        os.environ.pop(VISIBLE, None)
    else:
        os.environ[VISIBLE] = devices


def visible_devices(device: str, asked: str | None) -> str | None:
    """The value of CUDA_VISIBLE_DEVICES for vLLM, which takes the first GPU: of those that the user shows, by number or
    UUID, the one that `device` counts to, or all. Raises `EngineError` if there are fewer."""
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
    """The device with the number that the user requested: vLLM, which sees only one, gives it none."""
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
    """Start vLLM with these options; raises `EngineError` in plain words, or `Cancelled` at the end of a stage."""
    arguments = engine_arguments(command, checkpoint, options, pool, context, platform())
    with staged(progress, expected) as stages:
        stages.report("config", "vLLM's configuration")
        try:
            llm, facts = _built(arguments)
        except Exception as error:
            traceback.print_exc()
            _free_failed_start(error)
            raise as_engine_error(error, checkpoint.name, options) from error
    running = Engine(llm, options, tokenizer, facts, context, stages.seconds)
    running.limit(options)
    return running


def _free_failed_start(error: BaseException) -> None:
    """Free what a failed start had built. The frames of its exception hold it: it would keep memory and processes, and
    when collected later, tear down what the next start has set up."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
    gc.collect()
    cleanup_dist_env_and_memory()


def _die() -> None:
    """End this process: called on vLLM's watching thread when one of its processes died, even if no request runs."""
    print(DIED, file=sys.stderr, flush=True)
    os._exit(1)


def _built(arguments: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """vLLM's `LLMEngine`, and the facts that its workers report."""
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
    """Replace kernels only once per process: a second start would wrap the wrappers, and fails on llvmlite, which
    speculation imports (vLLM 0.32, `triton_utils/dispatcher.py`)."""
    from vllm.platforms import current_platform

    type(current_platform).register_triton_kernel_overrides = classmethod(lambda cls: None)
