"""Why vLLM did not start, in one line, and which number to lower."""

from __future__ import annotations

import re

from playground.engine.backends.base import Cancelled, EngineError
from playground.protocol.fault import LOOK
from playground.protocol.options import EngineOptions

LONG = 300
DIED = "vLLM's engine died: one of its processes is gone"
# A pattern in vLLM's text, and what to do then.
ADVICE: tuple[tuple[str, str], ...] = (
    (r"is less than desired GPU memory utilization|Free memory on device", "lower kv_blocks, or free the GPU"),
    (r"kv cache allocation is less than requested|No available memory for the cache", "lower"),
    (r"KV cache is needed, which is larger than the available", "raise"),
    (r"out of memory|OutOfMemory|MemoryError|bad_alloc", "lower"),
    (r"operator torchvision::nms does not exist", "`playground doctor` prints the command that mends it"),
    (r"No module named|cannot import name", "`playground doctor` shows what this interpreter lacks"),
    (r"World size .* is larger than|tensor parallel size", "lower --tensor-parallel"),
    (r"must be divisible by", "choose a --tensor-parallel that divides the model's attention heads"),
    (r"not supported for quantization method", "set dtype to one of these"),
    (r"not a valid|not supported|unsupported", "the toggle panel shows what is possible"),
)


def as_engine_error(error: Exception, model: str, options: EngineOptions) -> Exception:
    """The error as an `EngineError`; a `Cancelled` or an `EngineError` is returned as it is."""
    cause = _root(error)
    if isinstance(cause, Cancelled | EngineError):
        return cause
    text = " ".join(_said(cause).split()) or type(cause).__name__
    if checked := re.search(r"Value error, (.*?) \[type=", text):  # the one sentence within pydantic's
        text = checked[1]
    advice = next((advice for pattern, advice in ADVICE if re.search(pattern, f"{type(cause).__name__}: {text}")), "")
    if advice in ("lower", "raise"):
        automatic = {"lower": "free memory or choose a smaller checkpoint", "raise": "set kv_blocks higher by hand"}
        now = options.kv_blocks
        advice = automatic[advice] if now == "auto" else f"{advice} kv_blocks, which is {now}"
    return EngineError(f"vLLM cannot start {model}: {text[:LONG]}", advice or LOOK)


def _said(cause: BaseException) -> str:
    """The error's own text; for PyTorch's CPU allocator, whose text is for its developers, what was requested and is
    free."""
    if "allocate memory" not in str(cause):
        return str(cause)
    import torch

    from playground.engine.memory_fault import describe

    return f"out of memory: {describe(cause, torch.device('cpu'))}"


def _root(error: BaseException) -> BaseException:
    """The cause that vLLM's own exceptions wrap."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
