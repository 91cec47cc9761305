"""Memory of the engine's process and what is left on its device, in bytes."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

# mallopt(3); glibc accepts an M_MMAP_THRESHOLD of 32 MiB at most, and maps larger blocks always.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES, LARGEST_IN_HEAP = 256 * 2**20, 32 * 2**20
_c_library = ctypes.CDLL(None) if sys.platform == "linux" else None
# kv_blocks=auto takes this share of free memory, on a CPU at most this many bytes.
KV_SHARE, KV_CPU_BYTES = 0.25, 512 * 2**20
# As the kernel names them.
RESIDENT = {"process": "VmRSS", "process_anonymous": "RssAnon", "process_file": "RssFile"}


def available(device: torch.device) -> int | None:
    """Free bytes on a device; None where this cannot be determined."""
    if device.type == "cuda":
        import torch

        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # freed, and PyTorch's to use
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    return min([int(psutil.virtual_memory().available), *_address_space()])


def _address_space() -> list[int]:
    """Bytes that `ulimit -v` leaves to this process; empty without a limit."""
    try:
        import resource
    except ImportError:  # only Unix has it
        return []
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return [] if limit == resource.RLIM_INFINITY else [max(0, limit - psutil.Process().memory_info().vms)]


def process_memory() -> dict[str, int]:
    """Resident bytes of this process; on Linux anonymous and file-backed apart (a mapped checkpoint is file-backed)."""
    try:
        with open("/proc/self/status") as status:
            text = status.read()
        return {label: int(text.partition(f"{name}:")[2].split(None, 1)[0]) * 1024 for label, name in RESIDENT.items()}
    except (OSError, IndexError, ValueError):
        return {"process": psutil.Process().memory_info().rss}


def device_memory(device: torch.device) -> dict[str, int]:
    """What PyTorch's allocator holds on a GPU; empty on a CPU."""
    if device.type != "cuda":
        return {}
    import torch

    return {
        "allocated": torch.cuda.memory_allocated(device),
        "reserved": torch.cuda.memory_reserved(device),
        "peak": torch.cuda.max_memory_allocated(device),
    }


def keep_freed() -> None:
    """Keep freed memory in the process: each step reuses what the last one freed. glibc would trim its heap after a few
    free megabytes, and faulting the pages in again costs more than copying keys and values into them.
    """
    if _c_library and hasattr(_c_library, "mallopt"):
        _c_library.mallopt(M_MMAP_THRESHOLD, LARGEST_IN_HEAP)
        _c_library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back(device: torch.device) -> None:
    """Return freed but cached memory to the system, so that NVML (or the OS, on a CPU) shows what is really in use.
    Resets the GPU allocator's peak counter."""
    if device.type == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    elif _c_library and hasattr(_c_library, "malloc_trim"):
        _c_library.malloc_trim(0)
