"""Weights laid out for oneDNN once: every product keeps the bits of PyTorch's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.forward.decoder import find_decoder
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.weights.joint_linear import JointLinear, joined
from playground.engine.backends.transformers.weights.laid_out_linear import LaidOutLinear
from playground.engine.backends.transformers.weights.onednn_weight import can_lay_out
from playground.engine.backends.transformers.weights.packed_linear import pack, pack_weights
from playground.engine.backends.transformers.weights.weights import weight_bytes
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.reference import DEVICE
from tests.engine.transformers.weights.test_packed_linear import bfloat16s, in_bfloat16, quiet
from tests.engine.transformers.weights.test_packed_linear import linear as float_linear

pytestmark = pytest.mark.skipif(DEVICE != "cpu" or not can_lay_out(), reason="this CPU only imitates bfloat16")
ROWS = (*range(1, 20), 31, 64, 65, 130)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("inputs", [24, 600, 2816])
def test_a_product_has_the_bits_of_a_plain_layer(inputs: int, bias: bool, threads: int) -> None:
    plain, before = linear(72, inputs, bias), torch.get_num_threads()
    layer = laid_out(plain)
    torch.set_num_threads(threads)
    for count in ROWS:
        states = torch.randn(count, inputs).bfloat16()
        assert torch.equal(layer(states), plain(states))
        assert torch.equal(layer(states.view(1, count, inputs)), plain(states).unsqueeze(0))
    torch.set_num_threads(before)


@pytest.mark.parametrize("bias", [False, True])
def test_one_product_has_the_bits_of_several(bias: bool) -> None:
    layers = [laid_out(linear(outputs, 96, bias)) for outputs in (48, 16, 24)]
    joint = JointLinear(layers[:2], layers[2:], joined=joined)
    assert joint.unscale == 1.0 and joint.whole and joint.whole.packed_bytes >= 88 * 96 * 2
    for count in ROWS:
        states = torch.randn(count, 96).bfloat16()
        first, second = joint(states)
        assert torch.equal(first, torch.cat([layer(states) for layer in layers[:2]], -1))
        assert torch.equal(second, layers[2](states))


def test_what_is_joined_is_not_held_twice() -> None:
    layers, states = [laid_out(linear(48, 96, False)) for _ in range(2)], torch.randn(3, 96).bfloat16()
    alone, said = [layer.packed_bytes for layer in layers], [layer(states) for layer in layers]
    JointLinear(layers, joined=joined)
    assert [layer.packed_bytes for layer in layers] == [0, 0]
    assert all(torch.equal(layer(states), output) for layer, output in zip(layers, said, strict=True))
    JointLinear([layers[0], linear(48, 96, False)], joined=joined)
    assert [layer.packed_bytes for layer in layers] == [alone[0], 0]


def test_only_what_computes_in_bfloat16_is_laid_out() -> None:
    half = float_linear(bfloat16s(16, 32, 0.5)).half()
    assert pack(half) is None
    assert not isinstance(pack(float_linear(bfloat16s(16, 32, 0.5))), LaidOutLinear)


@pytest.mark.skipif(bool(why_not_compiled(torch.device("cpu"))), reason="nothing can be compiled here")
def test_a_compiled_product_is_the_same() -> None:
    layer, states = laid_out(linear(40, 96, True)), torch.randn(8, 96).bfloat16()
    with torch.inference_mode():
        assert torch.equal(torch.compile(layer, fullgraph=True)(states), layer(states))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["llama-even", "qwen2", "gpt-neox", "deepseek-v3"])
def test_logits_equal_those_of_transformers(tmp_path: Path, name: str) -> None:
    folder = in_bfloat16(name, tmp_path).folder
    plain, model = (AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval() for _ in range(2))
    pack_weights(model, quiet)
    assert isinstance(model.get_output_embeddings(), LaidOutLinear)
    ids = torch.randint(0, 200, (3, 21), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, plain(ids).logits)
    assert name != "llama-even" or isinstance(find_decoder(model), LeanDecoder)


def test_weights_come_and_go_and_are_counted_as_they_compute(tmp_path: Path) -> None:
    driven = Driven(in_bfloat16("llama-even", tmp_path).folder, dtype="bfloat16")
    model: Any = driven.backend._live.loaded.model
    packed = [module for module in model.modules() if isinstance(module, LaidOutLinear)]
    rest = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    rest -= sum(layer.weight.nbytes for layer in packed)
    assert weight_bytes(model) == rest + sum(layer.packed_bytes for layer in packed)
    before = driven.set(weights="int8").before.weights
    assert driven.set(weights="model").after.weights == before
    assert [module for module in model.modules() if isinstance(module, LaidOutLinear)] == packed


def laid_out(layer: nn.Linear) -> LaidOutLinear:
    found = pack(layer)
    assert isinstance(found, LaidOutLinear)
    return found


def linear(outputs: int, inputs: int, bias: bool) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias).bfloat16().requires_grad_(False)
