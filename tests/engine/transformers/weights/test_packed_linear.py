"""Weights that a checkpoint stores in 16 bits are read as 16 bits: nothing is lost, and the tokens stay the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from playground.engine.backends.transformers.compile.compiler import why_not_compiled
from playground.engine.backends.transformers.forward.decoder import find_decoder
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.weights.packed_linear import PackedLinear, can_pack, pack, pack_weights
from playground.engine.backends.transformers.weights.weights import weight_bytes
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.reference import DEVICE, Reference, ask_generate
from tests.engine.transformers.zoo.test_exact import SHAPES, check
from tests.engine.transformers.zoo.zoo import make, save

pytestmark = pytest.mark.skipif(DEVICE != "cpu" or not can_pack(1), reason="no FBGEMM here: layers stay as they are")


def test_every_finite_float16_is_packed_as_it_is() -> None:
    every = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16).float()
    finite = every[every.isfinite()].view(1024, -1)
    for threads in (1, 2):
        layer = packed(linear(finite), threads)
        assert torch.equal(read_back(layer), finite) and torch.equal(layer.weight.float(), finite)


def test_bfloat16_of_different_sizes_fits_times_a_power_of_two() -> None:
    model = nn.Sequential(linear(bfloat16s(48, 96, 0.9)), linear(bfloat16s(32, 48, 1e-3)))
    weights = [layer.weight for layer in model]
    pack_weights(model, quiet)
    assert all(isinstance(layer, PackedLinear) for layer in model)
    assert all(torch.equal(read_back(layer), weight) for layer, weight in zip(model, weights, strict=True))


def test_a_layer_with_one_weight_of_more_digits_stays() -> None:
    weight = bfloat16s(16, 16, 1.0)
    weight[3, 4] = 0.1
    model = nn.Sequential(linear(weight), linear(bfloat16s(16, 16, 1.0)))
    kept = model[0]
    pack_weights(model, quiet)
    assert model[0] is kept and isinstance(model[1], PackedLinear)


def test_a_layer_with_a_weight_that_is_no_number_stays() -> None:
    weight = bfloat16s(16, 16, 1.0)
    weight[0, 0] = torch.nan
    model = nn.Sequential(linear(weight))
    pack_weights(model, quiet)
    assert not isinstance(model[0], PackedLinear)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_has_the_same_bits_whatever_rows_there_are(threads: int) -> None:
    layer, states = packed(linear(bfloat16s(40, 600, 0.5)), threads), torch.randn(250, 600)
    whole = layer(states)
    for count in (*range(1, 41), 119, 120, 121, 122):
        assert torch.equal(layer(states[:count]), whole[:count])
        assert torch.equal(layer(states[-count:]), whole[-count:])


@pytest.mark.parametrize("rows", [1, 5, 8, 70])
def test_a_product_is_as_near_to_the_true_one_as_float32_gets(rows: int) -> None:
    weight, states = bfloat16s(40, 600, 0.5), torch.randn(rows, 600)
    layer = packed(linear(weight, bias=True))
    true = states.double() @ weight.double().T + layer.bias.double()
    # The bound of a sum of so many products, whatever their order.
    bound = 601 * torch.finfo(torch.float32).eps * (states.double().abs() @ weight.double().abs().T + 1)
    assert ((layer(states).double() - true).abs() <= bound).all()


@pytest.mark.skipif(bool(why_not_compiled(torch.device("cpu"))), reason="nothing can be compiled here")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_a_compiled_product_is_the_same(bias: bool, threads: int) -> None:
    layer = packed(linear(bfloat16s(40, 96, 0.5), bias), threads)
    states = torch.randn(8, 96)
    with torch.inference_mode():
        assert torch.equal(torch.compile(layer, fullgraph=True)(states), layer(states))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["llama-even", "qwen2", "gpt-neox", "deepseek-v3"])
def test_greedy_tokens_equal_generate(tmp_path: Path, name: str) -> None:
    reference = in_bfloat16(name, tmp_path)
    for shape in ("chunked-preempted", "one-batch"):
        driven = Driven(reference.folder, **SHAPES[shape])
        model: Any = driven.backend._live.loaded.model
        assert isinstance(model.get_output_embeddings(), PackedLinear)
        check(driven, reference)
    assert name != "llama-even" or isinstance(find_decoder(model), LeanDecoder)


def test_weights_are_counted_as_they_compute(tmp_path: Path) -> None:
    driven = Driven(in_bfloat16("llama-even", tmp_path).folder)
    model: PreTrainedModel = driven.backend._live.loaded.model
    packed = [module for module in model.modules() if isinstance(module, PackedLinear)]
    rest = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    rest -= sum(layer.weight.nbytes for layer in packed)
    # 32 inputs take the room of 512, 64 of 512, and 264 outputs that of 272.
    assert weight_bytes(model) == rest + 2 * 512 * (2 * (32 + 16 + 16 + 32 + 64 + 64 + 32) + 272)
    # Two layers' joint products beside them: queries, keys and values, and the two that go into an MLP.
    joint = 2 * 512 * 2 * (32 + 16 + 16 + 64 + 64)
    counted = driven.set(weights="int8").before.weights
    assert counted == driven.set(weights="model").after.weights == weight_bytes(model) + joint


def in_bfloat16(name: str, folder: Path) -> Reference:
    """A zoo member whose checkpoint is in bfloat16, and what `generate` answers on it in float32."""
    model = AutoModelForCausalLM.from_pretrained(make(name, folder / "float32"), dtype=torch.bfloat16)
    save(model, folder / "bfloat16")
    return ask_generate(folder / "bfloat16")


def packed(layer: nn.Linear, threads: int = 1) -> PackedLinear:
    found = pack(layer, threads)
    assert found
    return found


def quiet(*_: object, **__: object) -> None: ...


def linear(weight: Tensor, bias: bool = False) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
    layer.weight.data = weight
    return layer.requires_grad_(False)


def bfloat16s(outputs: int, inputs: int, deviation: float) -> Tensor:
    generator = torch.Generator().manual_seed(outputs + inputs)
    return (torch.randn(outputs, inputs, generator=generator) * deviation).bfloat16().float()


def read_back(layer: nn.Module) -> Tensor:
    return layer(torch.eye(layer.in_features)).T.contiguous()
