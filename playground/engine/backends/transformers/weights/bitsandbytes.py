"""bitsandbytes, imported when a switch first needs it, in 0.05 s instead of 1.7."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeGuard

import torch
from torch import nn


def load_bitsandbytes() -> ModuleType:
    """The library. While it loads, `torch.compile` hands functions back as they are: it decorates with it what runs
    where it has no kernels of its own, which a CPU and an NVIDIA GPU never do, and inductor would come along."""
    if "bitsandbytes" not in sys.modules:
        compiler, torch.compile = torch.compile, _as_it_is  # type: ignore[assignment]
        try:
            import bitsandbytes  # noqa: F401
        finally:
            torch.compile = compiler
    return sys.modules["bitsandbytes"]


def is_of_bitsandbytes(module: nn.Module, name: str) -> TypeGuard[Any]:
    """By name, so that the library is not imported for it; PEFT calls what it wraps around its layers the same."""
    kinds = type(module).__mro__
    return any(kind.__name__ == name and kind.__module__.startswith("bitsandbytes.") for kind in kinds)


def _as_it_is(function: Callable[..., Any] | None = None, **_: Any) -> Callable[..., Any]:
    return function or _as_it_is
