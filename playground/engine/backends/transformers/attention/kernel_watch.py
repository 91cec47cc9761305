"""Which attention kernels really run, by the operators that PyTorch dispatches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from playground.protocol.effective import KERNEL_JOIN

NAMES = {
    "_scaled_dot_product_flash_attention_for_cpu": "sdpa-flash",
    "_scaled_dot_product_flash_attention": "sdpa-flash",
    "_scaled_dot_product_efficient_attention": "sdpa-efficient",
    "_scaled_dot_product_cudnn_attention": "sdpa-cudnn",
    "_scaled_dot_product_attention_math_for_mps": "sdpa-math",
    "_varlen_attn": "flash-varlen",
}


class KernelWatch(TorchDispatchMode):
    """Notes which attention kernels really run inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.partition("::")[2]
        if name in NAMES:
            self.seen.add(NAMES[name])
        elif name in ("_softmax", "_safe_softmax"):
            self.seen.add("softmax")
        elif name == "scaled_dot_product_attention":
            # Inference mode dispatches this composite as a whole; only its parts show the kernel.
            with self:
                return func.decompose(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def kernel(self, eager: bool) -> str:
        """The name of what ran: a fused kernel, or plain attention with materialised scores."""
        fused = sorted(self.seen - {"softmax"})
        return KERNEL_JOIN.join(fused) if fused else "eager" if eager else "sdpa-math"


class LayerWatch:
    """Watches one layer of each shape, from the moment its keys and values are stored until attention has run, or until
    the next layer's update if the end is not reported. Watching slows every operator, and layers of one shape run one
    kernel."""

    def __init__(self, every: bool) -> None:
        self.kernels = KernelWatch()
        self.kinds: set[tuple[torch.Size, torch.Size]] = set()
        self._every, self._on = every, False

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """See `Watch`."""
        kind = keys.shape, values.shape
        if self._every or kind not in self.kinds:
            self.kinds.add(kind)
            self._on = True
            self.kernels.__enter__()

    def end(self) -> None:
        """See `Watch`."""
        if self._on:
            self._on = False
            self.kernels.__exit__(None, None, None)

    def ran(self, kernel: str) -> None:
        """See `Watch`."""
        self.kernels.seen.add(kernel)
