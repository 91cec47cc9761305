"""Starts vLLM's engine in this process: the environment before, what is built, and what a failed start leaves."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import Any

from playground.engine.backends.base import EngineError, Progress
from playground.engine.backends.vllm.arguments import engine_arguments
from playground.engine.backends.vllm.engine import Engine
from playground.engine.backends.vllm.faults import DIED, as_engine_error
from playground.engine.backends.vllm.pool import Pool
from playground.engine.backends.vllm.stages import staged
from playground.engine.backends.vllm.support import platform
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.tokenizer import Tokenizer
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions

VISIBLE = "CUDA_VISIBLE_DEVICES"
_user_devices = os.environ.get(VISIBLE)  # the user's own value, from which each load starts


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
    engine.collective_rpc("playground_hold_generators")
    return engine, engine.collective_rpc("playground_facts")


def _keep_kernels() -> None:
    """Replace kernels only once per process: a second start would wrap the wrappers, and fails on llvmlite, which
    speculation imports (vLLM 0.32, `triton_utils/dispatcher.py`)."""
    from vllm.platforms import current_platform

    type(current_platform).register_triton_kernel_overrides = classmethod(lambda cls: None)
