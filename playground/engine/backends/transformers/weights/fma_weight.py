"""A weight for our own bfloat16 product, `native/fma_product.cpp`, which compile=on compiles.

The product widens to float32 and multiplies there. A core starts two such instructions per cycle, but one for bfloat16,
which oneDNN uses, only every other cycle (measured on an Intel Xeon of 2023). It also prefetches the weight early. It
is not used without AVX-512, or where a trial shows that it is not faster.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import c_int, c_long, c_void_p
from functools import cache, partial
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.engine.backends.transformers.native.library import load
from playground.engine.backends.transformers.weights.laid_out_linear import LaidOut, LayOut
from playground.engine.backends.transformers.weights.onednn_weight import OneDnnWeight

PANEL = 32
# Rows in a trial: those of a decoding step and of a prompt. Its weights exceed a core's cache.
ROWS, WEIGHTS, ROUNDS = (1, 8, 64), 8, 15
FASTER = 1.1

Product = Callable[..., None]


class FmaWeight:
    """See `LaidOut`. `weight` [out, in] is stored in panels of 32 outputs, [in / 2, 32, 2], padded with zeros."""

    def __init__(self, product: Product, weight: Tensor, bias: Tensor | None) -> None:
        self._outputs, self._inputs = weight.shape
        full = F.pad(weight, (0, self._inputs % 2, 0, -self._outputs % PANEL)) if self._ragged else weight.contiguous()
        pairs = full.view(torch.int32).view(-1, PANEL, full.shape[1] // 2)
        self._panels = pairs.transpose(1, 2).contiguous()
        self._product, self._bias = product, None if bias is None else bias.contiguous()
        self._at, self._bias_at = self._panels.data_ptr(), None if self._bias is None else self._bias.data_ptr()

    @property
    def bytes(self) -> int:
        """See `LaidOut`."""
        return self._panels.nbytes

    def dense(self) -> Tensor:
        """See `LaidOut`."""
        full = self._panels.transpose(1, 2).contiguous().view(torch.bfloat16).flatten(0, 1)
        return full[: self._outputs, : self._inputs].contiguous() if self._ragged else full

    def __call__(self, states: Tensor) -> Tensor:
        """See `LaidOut`. Raises `TypeError` for other states, since the product reads memory without conversion."""
        if states.dtype != torch.bfloat16 or states.shape[-1] != self._inputs:
            raise TypeError(f"states must be bfloat16 [..., {self._inputs}], not {states.dtype} {[*states.shape]}")
        states = states.contiguous()
        output = states.new_empty(*states.shape[:-1], self._outputs)
        rows = states.numel() // self._inputs
        threads = torch.get_num_threads()
        at = self._at, states.data_ptr(), self._bias_at, output.data_ptr()
        self._product(*at, rows, self._outputs, self._inputs, threads)
        return output

    @property
    def _ragged(self) -> bool:
        return bool(self._inputs % 2 or self._outputs % PANEL)


@cache
def fma_weight() -> LayOut | None:
    """The layout for the compiled product; None if it cannot be used, or is not faster."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return None
    try:
        lay_out = partial(FmaWeight, compiled_product())
    except (RuntimeError, OSError):  # a compiler without these instructions
        return None
    return lay_out if _gain(lay_out) > FASTER else None


@cache
def compiled_product() -> Product:
    """The product of the C++ source, with its argument types."""
    product = load("fma_product.cpp").product
    product.argtypes, product.restype = [*[c_void_p] * 4, *[c_long] * 3, c_int], None
    return product


def _gain(lay_out: LayOut) -> float:
    """How many times faster than oneDNN's, in the worst of the trials. Each takes its fastest round, since other
    processes may use the cores."""
    weights = [torch.ones(2048, 1024, dtype=torch.bfloat16) for _ in range(WEIGHTS)]
    contenders = [[kind(weight, None) for weight in weights] for kind in (OneDnnWeight, lay_out)]
    gains: list[float] = []
    for rows in ROWS:
        states = torch.ones(rows, 1024, dtype=torch.bfloat16)
        rounds = [[_seconds(contender, states) for contender in contenders] for _ in range(ROUNDS)]
        theirs, ours = map(min, zip(*rounds, strict=True))
        gains.append(theirs / ours)
    return min(gains)


def _seconds(weights: list[LaidOut], states: Tensor) -> float:
    start = perf_counter()
    for weight in weights:
        weight(states)
    return perf_counter() - start
