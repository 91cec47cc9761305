"""Out-of-memory errors of every source are recognised and described in one line."""

from __future__ import annotations

import pytest
import torch

from playground.engine.memory_fault import describe, is_memory_fault

CPU = torch.device("cpu")
OF_A_GPU = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total of 79.11 GiB of which 1.02 GiB is free."
    " Of the allocated memory 70.10 GiB is allocated by PyTorch, and 6.00 GiB is reserved."
)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(OF_A_GPU),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000 bytes."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_it_is_known(error: Exception) -> None:
    assert is_memory_fault(error) and not is_memory_fault(RuntimeError("CUDA error: an illegal memory access"))


def test_what_a_gpu_says_is_cut_to_what_was_asked_and_what_is_free() -> None:
    assert describe(torch.OutOfMemoryError(OF_A_GPU), CPU).endswith("of which 1.02 GiB is free.")
