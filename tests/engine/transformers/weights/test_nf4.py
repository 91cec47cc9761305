"""nf4 layers of any shape compute with their dequantized weight, whichever kernel bitsandbytes has for this CPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from playground.engine.backends.transformers.weights.bitsandbytes import load_bitsandbytes
from playground.engine.backends.transformers.weights.weights import WeightSwitch, weight_bytes
from tests.engine.transformers.reference import DEVICE
from tests.engine.transformers.weights.test_packed_linear import quiet


class Small(nn.Module):
    """The parts of a model that a switch needs."""

    def __init__(self, inputs: int, outputs: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer, self.dtype = nn.Linear(inputs, outputs).to(dtype).requires_grad_(False), dtype

    def get_output_embeddings(self) -> None: ...


# One input or output fewer than a tile of its kernel for AVX-512, and whole tiles.
@pytest.mark.parametrize(("inputs", "outputs"), [(32, 16), (64, 16), (32, 64), (96, 32), (128, 64)])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@torch.inference_mode()
def test_a_product_is_that_of_the_dequantized_weight(
    inputs: int, outputs: int, dtype: torch.dtype, near: float
) -> None:
    model = Small(inputs, outputs, dtype)
    weight, bias = model.layer.weight.data.clone(), model.layer.bias.data.float()
    WeightSwitch(model, torch.device(DEVICE)).switch("nf4", 6.0, quiet)  # type: ignore[arg-type]
    bnb = load_bitsandbytes().functional
    codes, state = bnb.quantize_4bit(weight.to(DEVICE), compress_statistics=True, quant_type="nf4")
    stored = bnb.dequantize_4bit(codes, state).float()
    counted, states = weight_bytes(model), torch.randn(5, inputs).to(DEVICE, dtype)
    expected = states.float() @ stored.T + bias.to(DEVICE)
    assert ((model.layer(states).float() - expected).abs() <= near * (1 + expected.abs())).all()
    assert weight_bytes(model) == counted  # nothing is laid out anew by a first step
