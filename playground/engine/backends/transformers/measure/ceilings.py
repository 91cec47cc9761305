"""Peak rates of this device: a square matrix product, and a copy of memory."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import torch

from playground.engine.device import wait
from playground.protocol.measurements import Ceilings

REPEATS = 5
SMALL_MATRIX = 192
MATRIX = {"cpu": 1024, "cuda": 8192}
COPY_BYTES = {"cpu": 128 * 2**20, "cuda": 1024 * 2**20}
CEILING_SECONDS = 2.0


def measure_ceilings(device: torch.device, dtype: torch.dtype, check: Callable[[], None]) -> Ceilings:
    """The best of a few runs each, with as many threads as the model uses; `check` may raise to stop it.

    On a CPU without 16-bit instructions the product is hundreds of times slower in 16 bits, while fused kernels convert
    and compute in float32: there the ceiling is that of float32.
    """
    kinds = {dtype, torch.float32} if device.type == "cpu" else {dtype}
    fastest = min(kinds, key=lambda kind: _product(device, kind, SMALL_MATRIX, check))
    size = MATRIX.get(device.type, 2048)
    product = _product(device, fastest, size, check)
    source = torch.ones(COPY_BYTES.get(device.type, 256 * 2**20), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy = best(lambda: target.copy_(source), device, check)
    threads = torch.get_num_threads() if device.type == "cpu" else 0
    return Ceilings(
        flops_per_second=2 * size**3 / product,
        bytes_per_second=2 * source.nbytes / copy,
        dtype=str(fastest).removeprefix("torch."),
        threads=threads,
    )


def _product(device: torch.device, dtype: torch.dtype, size: int, check: Callable[[], None]) -> float:
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return best(lambda: left @ right, device, check)


def best(call: Callable[[], object], device: torch.device, check: Callable[[], None]) -> float:
    """Seconds of the fastest call."""
    return min(sample(call, device, check, REPEATS, CEILING_SECONDS))


def sample(
    call: Callable[[], object], device: torch.device, check: Callable[[], None], repeats: int, most_s: float
) -> list[float]:
    """Seconds of up to `repeats` calls after one that does not count; fewer if they would take over `most_s`. Calls
    under a millisecond are timed several at a time."""
    first = _timed(call, device, 1)
    number = max(1, round(1e-3 / max(first, 1e-7)))
    seconds: list[float] = []
    while len(seconds) < repeats and (not seconds or first + sum(seconds) < most_s):
        check()
        seconds.append(_timed(call, device, number))
    return seconds


def _timed(call: Callable[[], object], device: torch.device, number: int) -> float:
    wait(device)
    start = perf_counter()
    for _ in range(number):
        call()
    wait(device)
    return (perf_counter() - start) / number
