"""bitsandbytes, imported when a switch first needs it, in 0.05 s instead of 1.7 s."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeGuard

import torch
from torch import nn


def load_bitsandbytes() -> ModuleType:
    """The library. While it is imported, `torch.compile` does nothing: it would import inductor, for functions that
    only run where bitsandbytes has no kernels of its own, which a CPU and an NVIDIA GPU have."""
    if "bitsandbytes" not in sys.modules:
        compiler, torch.compile = torch.compile, _as_it_is  # type: ignore[assignment]
        try:
            import bitsandbytes  # noqa: F401
        finally:
            torch.compile = compiler
    return sys.modules["bitsandbytes"]


def is_of_bitsandbytes(module: nn.Module, name: str) -> TypeGuard[Any]:
    """Whether the module is of this class, found by name without importing the library; PEFT's wrappers have the same
    names in another package."""
    kinds = type(module).__mro__
    return any(kind.__name__ == name and kind.__module__.startswith("bitsandbytes.") for kind in kinds)


def _as_it_is(function: Callable[..., Any] | None = None, **_: Any) -> Callable[..., Any]:
    return function or _as_it_is
