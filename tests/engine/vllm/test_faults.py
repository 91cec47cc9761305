"""vLLM's own words of why it did not start, and what a user reads then. Needs no vLLM."""

from __future__ import annotations

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.vllm.faults import LONG, in_words
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
    fault = in_words(wrapped, "large", EngineOptions(kv_blocks=kv_blocks))
    assert isinstance(fault, EngineError)
    assert (fault.message, fault.advice) == (f"vLLM cannot start large: {said[:LONG]}", advice)


def test_what_a_cpus_allocator_says_is_put_in_bytes_that_people_read():
    said = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
    fault = in_words(RuntimeError(f"{said} allocate 442499072 bytes. Error code 12"), "m", EngineOptions())
    assert isinstance(fault, EngineError)
    assert fault.message.startswith("vLLM cannot start m: out of memory: 422 MiB more were asked for, ")
    assert fault.advice == "free memory or choose a smaller checkpoint"


def test_what_nobody_foresaw_is_one_line_and_a_look_at_the_log():
    fault = in_words(KeyError("a\n  b"), "odd", EngineOptions())
    assert isinstance(fault, EngineError) and "\n" not in fault.message
    assert fault.advice == "the log has the details"
