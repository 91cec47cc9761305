"""Float32 products with weights that a checkpoint stores in 16 bits, read as 16 bits without loss.

A bfloat16 checkpoint computes in float32 on most CPUs, where a step of a few rows takes as long as reading its weights.
FBGEMM, which comes with PyTorch, keeps float16 in the order in which it reads and computes in float32. bfloat16 has
fewer digits than float16 and a wider range: multiplied by a power of two, which changes no digit, the weights of a
layer fit. Whether all do is checked; if one does not, the layer stays as it was.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from playground.engine.backends.base import Progress
from playground.engine.backends.transformers.weights import opaque_linear
from playground.engine.backends.transformers.weights.laid_out_linear import LaidOutLinear
from playground.engine.backends.transformers.weights.onednn_weight import can_lay_out

# FBGEMM rounds a matrix up to multiples of these inputs and outputs, and takes this many rows at a time.
INPUTS, OUTPUTS, ROWS = 512, 16, 120
# Between these exponents float16 represents every bfloat16 number.
SMALLEST, LARGEST = -17, 15
HALVES = (torch.bfloat16, torch.float16)


class PackedLinear(nn.Linear):
    """A linear layer that computes with its weight times `scale`, packed, on one thread or on all. The plain weight
    stays available, in 16 bits unless it is `shared` with an embedding.

    The bits of a row do not depend on the other rows, see `_more`.
    """

    dtype = torch.float32

    def __init__(self, layer: nn.Linear, halves: Tensor, scale: float, threads: int = 1, shared: bool = False) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight = layer.weight if shared else nn.Parameter(halves, requires_grad=False)
        self.bias = layer.bias
        self.train(layer.training)
        self.unscale = 1 / scale
        self._unscale = torch.tensor(self.unscale)
        self._packed, self._product = (_pack_for_one if threads == 1 else _pack_for_all)(layer.weight * scale)
        self._bias = None if layer.bias is None else layer.bias.data  # looking up a module's parameters is slow
        opaque_linear.register(self)

    @property
    def packed_bytes(self) -> int:
        """Bytes of the packed weight."""
        rounded = (-(-self.in_features // INPUTS) * INPUTS, -(-self.out_features // OUTPUTS) * OUTPUTS)
        return math.prod(rounded) * torch.float16.itemsize

    @property
    def joins(self) -> bool:
        """Whether it is worth joining with others: calling a product on one thread costs about as much as two."""
        return isinstance(self._packed, Tensor)

    def forward(self, states: Tensor) -> Tensor:
        """Float32 [..., in] to [..., out]."""
        if torch.compiler.is_compiling():
            # Scaled before the product, where the compiler fuses it with the operation before.
            return self.of_scaled(states * self._unscale)
        output = self.scaled(states).mul_(self._unscale)
        return output if self._bias is None else output.add_(self._bias)

    def of_scaled(self, states: Tensor) -> Tensor:
        """What `forward` returns for `states / unscale`."""
        output = self.scaled(states)
        return output if self._bias is None else output + self._bias

    def scaled(self, states: Tensor) -> Tensor:
        """The product with the weight times `scale`, without the bias, for callers that fold `unscale` in elsewhere."""
        if torch.compiler.is_compiling():
            return self._compiled(states)
        if states.dim() > 2:
            return self.scaled(states.flatten(0, -2)).view(*states.shape[:-1], self.out_features)
        count = states.shape[0]
        more = _more()[count % ROWS]
        return self._product(F.pad(states, (0, 0, 0, more)))[:count] if more else self._product(states)

    eager = scaled

    def _compiled(self, states: Tensor) -> Tensor:
        if not self.joins:
            return opaque_linear.called(self, states)
        # The operator whose output shape the compiler knows cannot leave the bias out.
        product: Callable[..., Tensor] = torch.ops._quantized.wrapped_fbgemm_linear_fp16_weight
        return product(states, self._packed, torch.zeros(self.out_features), self.out_features)


Packed = PackedLinear | LaidOutLinear
Product = Callable[[Tensor], Tensor]


def _pack_for_one(weight: Tensor) -> tuple[object, Product]:
    packed = torch.fbgemm_pack_gemm_matrix_fp16(weight)
    return packed, lambda rows: torch.fbgemm_linear_fp16_weight_fp32_activation(rows, packed, None)


def _pack_for_all(weight: Tensor) -> tuple[object, Product]:
    """Shares the outputs among all threads, which costs as much as a product of a tiny layer."""
    packed = torch.ops.quantized.linear_prepack_fp16(weight, None)
    return packed, lambda rows: torch.ops.quantized.linear_dynamic_fp16(rows, packed)


@torch.no_grad()
def pack_weights(model: PreTrainedModel, progress: Progress) -> None:
    """Replace every linear layer, including the head, by one that computes the same faster, if there is one."""
    threads = torch.get_num_threads()
    embedded = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    layers = [(path, layer) for path, layer in model.named_modules() if type(layer) is nn.Linear]
    for done, (path, layer) in enumerate(layers):
        if packed := pack(layer, threads, id(layer.weight) in embedded):
            model.set_submodule(path, packed)
        progress("converting", done + 1, len(layers), "weights packed in 16 bits")


def pack(layer: nn.Linear, threads: int = 1, shared: bool = False) -> Packed | None:
    """The layer packed: float32 whose digits fit 16 bits, or bfloat16; None if neither."""
    if layer.weight.dtype == torch.bfloat16 and can_lay_out():
        return LaidOutLinear(layer)
    if layer.weight.dtype != torch.float32 or not can_pack(threads):
        return None
    for half in HALVES:
        halves = layer.weight.to(half)
        if torch.equal(halves.float(), layer.weight) and (scale := fitting(halves)):
            return PackedLinear(layer, halves, scale, threads, shared)
    return None


def fitting(halves: Tensor) -> float | None:
    """The power of two that brings every one of these numbers into the range of float16; None if there is none."""
    if halves.dtype == torch.float16:
        return 1.0
    sizes = halves.view(torch.int16) & 0x7FFF
    largest, smallest = ((int(size) >> 7) - 127 for size in (sizes.max(), sizes.masked_fill_(sizes == 0, 0x7FFF).min()))
    fits = largest - smallest <= LARGEST - SMALLEST and largest < 128 and smallest > -127
    return 2.0 ** (LARGEST - largest) if fits else None


@cache
def _more() -> list[int]:
    """Rows of zeros to add to 0..119 rows so that FBGEMM sums every row in the same order, found by a trial on this
    CPU: it cuts rows into tiles, and tiles of one or two rows sum differently. So a token does not depend on the rest
    of its batch."""
    draw = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(count, 64, generator=draw) for count in (ROWS, OUTPUTS))
    _, product = _pack_for_one(weight)
    # The order that most numbers of rows share; the first row is in the first tile, the last in the last.
    answers = [product(rows[:count]) for count in range(ROWS + 1)]
    usual = answers[ROWS]
    good = [count for count in range(ROWS + 1) if torch.equal(answers[count], usual[:count])]
    return [next(other for other in good if other >= count) - count for count in range(ROWS)]


@cache
def can_pack(threads: int) -> bool:
    """Whether this build of PyTorch has FBGEMM, and the CPU what that needs. Cached, since PyTorch warns of its
    deprecation."""
    one = torch.eye(OUTPUTS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, product = (_pack_for_one if threads == 1 else _pack_for_all)(one)
            return torch.equal(product(one), one)
    except (AttributeError, RuntimeError):
        return False
