"""LLM.int8() with fewer operations: all numbers, and the outlier columns, are those of bitsandbytes' own layer."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

pytest.importorskip("bitsandbytes")

from bitsandbytes.functional import int8_vectorwise_quant
from bitsandbytes.nn import Int8Params, Linear8bitLt

from playground.engine.backends.transformers.weights.int8_linear import Int8Linear
from playground.engine.backends.transformers.weights.weights import int8_layer

ROWS, THRESHOLDS, SHAPES = (1, 2, 9), (0.0, 2.0, 6.0), ((256, 768), (768, 250))
OUTLIER, ZERO_ROW = 3, 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [False, True])
def test_the_same_bits_as_bitsandbytes(dtype: torch.dtype, bias: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    for (inputs, outputs), rows, threshold in product(SHAPES, ROWS, THRESHOLDS):
        weight = torch.randn(outputs, inputs, generator=draw)
        shift = nn.Parameter(torch.randn(outputs, generator=draw), requires_grad=False) if bias else None
        ours = int8_layer(weight, shift, threshold, torch.device("cpu"))
        theirs = stock(weight, shift, threshold)
        states = torch.randn(1, rows, inputs, generator=draw).to(dtype)
        states[..., OUTLIER] *= 9
        states[:, ZERO_ROW:2] = 0
        with torch.inference_mode():
            expected = theirs(states.clone())
            assert torch.equal(ours(states), expected), (inputs, rows, threshold)
            assert torch.equal(ours.forward(states[0]), expected[0])
        assert (ours.state.idx is None) == (theirs.state.idx is None) == (threshold == 0)
        if threshold:
            assert torch.equal(ours.state.idx, theirs.state.idx)
        assert threshold != 2.0 or len(ours.state.idx)


def test_gradients_go_through_it_as_through_bitsandbytes() -> None:
    weight, states = torch.randn(32, 64), torch.randn(4, 64, requires_grad=True)
    ours, theirs = int8_layer(weight, None, 6.0, torch.device("cpu")), stock(weight, None, 6.0)
    found = [torch.autograd.grad(layer(states).square().sum(), states)[0] for layer in (ours, theirs)]
    assert isinstance(ours, Int8Linear) and torch.equal(*found) and found[0].abs().sum() > 0


def stock(weight: torch.Tensor, bias: nn.Parameter | None, threshold: float) -> Linear8bitLt:
    """bitsandbytes' own layer of the same codes."""
    codes, scales, _ = int8_vectorwise_quant(weight.half())
    layer = Linear8bitLt(*reversed(weight.shape), bias is not None, has_fp16_weights=False, threshold=threshold)
    layer.weight = Int8Params(codes, requires_grad=False, CB=codes, SCB=scales)
    layer.init_8bit_state()
    layer.bias = None if bias is None else nn.Parameter(bias.data.clone(), requires_grad=False)
    return layer.eval()
