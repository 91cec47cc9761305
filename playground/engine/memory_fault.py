"""Out-of-memory errors in plain words, from PyTorch's allocators, Python, or the mapping of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from playground.engine.backends.base import EngineError
from playground.engine.memory import available
from playground.text.sizes import format_bytes

MESSAGES = ("allocate memory", "out of memory", "ALLOC_FAILED")
GPU_LIBRARIES = re.compile("CUDA|CUBLAS|CUDNN")
BYTES_ASKED = re.compile(r"allocate (\d+) bytes")


def is_memory_fault(error: BaseException) -> bool:
    """Whether memory ran out; PyTorch's CPU allocator, file mappings, CUDA and its libraries only say so in the text of
    their errors."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(message in str(error) for message in MESSAGES)


def describe(error: BaseException, device: torch.device) -> str:
    """What was requested and what is free. On a GPU, PyTorch's first sentence says both."""
    if isinstance(error, torch.OutOfMemoryError):
        return str(error).partition(" Of the allocated memory")[0].splitlines()[0]
    if GPU_LIBRARIES.match(str(error)):  # also where the caller only knows of the host
        device = torch.device("cuda")
    asked, free = BYTES_ASKED.search(str(error)), available(device)
    wanted = f"{format_bytes(int(asked[1]))} more were asked for" if asked else "more was asked for than there is"
    return f"{wanted}, {format_bytes(free)} are free" if free is not None else wanted


@contextmanager
def explain_memory_faults(what: str, device: torch.device, advice: str) -> Iterator[None]:
    """Turn a memory fault into an `EngineError`."""
    try:
        yield
    except Exception as error:
        if not is_memory_fault(error):
            raise
        raise EngineError(f"out of memory: {what}: {describe(error, device)}", advice) from error
