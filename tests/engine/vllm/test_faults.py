"""vLLM's messages about why it did not start, what a user reads, and the arguments it gets. Needs no vLLM."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from playground import paths
from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm import support
from playground.engine.backends.vllm.arguments import engine_arguments
from playground.engine.backends.vllm.faults import LONG, as_engine_error
from playground.engine.backends.vllm.pool import Pool
from playground.engine.backends.vllm.worker_extension import FactsExtension
from playground.engine.checkpoint.checkpoint import inspect
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions

# As vLLM 0.32 writes them (worker/utils.py, worker/cpu_worker.py, core/kv_cache_utils.py), and as PyTorch does.
GPU = (
    "Free memory on device cuda:0 (3.1/79.2 GiB) on startup is less than desired GPU memory utilization (0.92, 72.9"
    " GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes."
)
CPU = (
    "Available memory on node 0 (2.0/23.5 GiB) on kv cache allocation is less than requested memory for kv (4.0 GiB)."
    " Decrease --kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE, or reduce CPU memory used by other processes."
)
SMALL = (
    "To serve at least one request with the model's max seq len (8192), (1.5 GiB KV cache is needed, which is larger"
    " than the available KV cache memory (0.5 GiB). Try increasing `gpu_memory_utilization`."
)
NONE = "No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine."
TORCH = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.19 GiB"


@pytest.mark.parametrize(
    ("said", "kv_blocks", "advice"),
    [
        (GPU, "auto", "lower kv_blocks, or free the GPU"),
        (CPU, "9000", "lower kv_blocks, which is 9000"),
        (CPU, "auto", "free memory or choose a smaller checkpoint"),
        (NONE, "9000", "lower kv_blocks, which is 9000"),
        (SMALL, "64", "raise kv_blocks, which is 64"),
        (SMALL, "auto", "set kv_blocks higher by hand"),
        (TORCH, "auto", "free memory or choose a smaller checkpoint"),
        (TORCH, "9000", "lower kv_blocks, which is 9000"),
    ],
)
def test_a_lack_of_memory_says_which_number_to_change(said: str, kv_blocks: str, advice: str):
    wrapped = RuntimeError("Engine core initialization failed. See root cause above.")
    wrapped.__cause__ = ValueError(said)
    fault = as_engine_error(wrapped, "large", EngineOptions(kv_blocks=kv_blocks))
    assert isinstance(fault, EngineError)
    assert (fault.message, fault.advice) == (f"vLLM cannot start large: {said[:LONG]}", advice)


def test_what_a_cpus_allocator_says_is_put_in_bytes_that_people_read():
    said = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
    fault = as_engine_error(RuntimeError(f"{said} allocate 442499072 bytes. Error code 12"), "m", EngineOptions())
    assert isinstance(fault, EngineError)
    assert fault.message.startswith("vLLM cannot start m: out of memory: 422 MiB more were asked for, ")
    assert fault.advice == "free memory or choose a smaller checkpoint"


def test_what_nobody_foresaw_is_one_line_and_a_look_at_the_log():
    fault = as_engine_error(KeyError("a\n  b"), "odd", EngineOptions())
    assert isinstance(fault, EngineError) and "\n" not in fault.message
    assert fault.advice == "the log has the details"


@pytest.mark.parametrize(
    ("words", "ranks", "executor"),
    [
        ({}, 1, "uni"),
        ({"tensor_parallel": 2}, 2, "mp"),
        ({"tensor_parallel": 8, "executor": "ray"}, 8, "ray"),
        ({"executor": "mp"}, 1, "mp"),
    ],
)
def test_ranks_and_what_runs_them_are_passed_on(words: dict[str, Any], ranks: int, executor: str):
    checkpoint, options = inspect(str(paths.bundled_model()), False, False, lambda *_, **__: None), EngineOptions()
    command = LoadModel(model="", **words)
    passed = engine_arguments(command, checkpoint, options, Pool(63, 32, 800), 8192, "cuda")
    assert (passed["tensor_parallel_size"], passed["distributed_executor_backend"]) == (ranks, executor)
    assert passed["kv_cache_memory_bytes"] == 64 * 800 // ranks  # each rank holds its share of every block
    assert passed["worker_extension_cls"] == f"{FactsExtension.__module__}.{FactsExtension.__name__}"


def test_ray_is_refused_where_it_cannot_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(support, "platform", lambda: "cpu")
    assert "knows no CPU" in support.why_not_executor("ray") and not support.why_not_executor("mp")
    monkeypatch.setattr(support, "platform", lambda: "cuda")
    monkeypatch.setattr(support, "find_spec", lambda name: name != "ray")
    assert not support.why_not_executor("ray")
    assert support.missing_packages("ray") == (["ray"], f"{sys.executable} -m pip install ray")
    assert support.missing_packages("auto")[0] == []
