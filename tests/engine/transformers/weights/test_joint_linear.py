"""Layers joined into one product give what each gives alone, also after layers were exchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from playground.engine.backends.transformers.forward.decoder import _agrees
from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.weights.joint_linear import JointLinear, joined, unscaled
from playground.engine.backends.transformers.weights.packed_linear import PackedLinear, can_pack
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.reference import DEVICE
from tests.engine.transformers.weights.test_packed_linear import bfloat16s, in_bfloat16, linear, packed

pytestmark = pytest.mark.skipif(DEVICE != "cpu" or not can_pack(1), reason="no FBGEMM here: layers stay as they are")


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 130])
def test_one_product_has_the_bits_of_several(count: int, bias: bool) -> None:
    sizes = ((48, 0.5), (16, 1e-3), (24, 8.0))  # their own packing multiplies each by another number
    layers = [packed(linear(bfloat16s(outputs, 96, deviation), bias)) for outputs, deviation in sizes]
    joint, states = JointLinear(layers[:2], layers[2:], joined=joined), torch.randn(count, 96)
    assert joint.whole and joint.whole.packed_bytes == 512 * 96 * 2 and joint.unscale < 1
    first, second = joint(states * joint.unscale)
    assert torch.equal(first, torch.cat([layer(states) for layer in layers[:2]], -1))
    assert torch.equal(second, layers[2](states))


def test_what_cannot_be_joined_runs_layer_by_layer() -> None:
    small, two = packed(linear(bfloat16s(16, 32, 0.5))), packed(linear(bfloat16s(16, 32, 0.5)), threads=2)
    biased, plain = packed(linear(bfloat16s(16, 32, 0.5), bias=True)), linear(torch.randn(16, 32))
    states = torch.randn(3, 32)
    for other in (two, biased, plain):
        joint = JointLinear([small, other], joined=joined)
        assert (joint.unscale, joint.whole) == (1.0, None)
        assert torch.equal(joint(states)[0], torch.cat([small(states), other(states)], -1))


def test_a_layer_whose_output_is_added_may_leave_its_scale() -> None:
    states, layer = torch.randn(3, 32), packed(linear(bfloat16s(16, 32, 0.5)))
    compute, unscale = unscaled(layer)
    assert torch.equal(compute(states) * unscale, layer(states)) and unscale < 1
    for other in (packed(linear(bfloat16s(16, 32, 0.5), bias=True)), linear(torch.randn(16, 32))):
        compute, unscale = unscaled(other)
        assert torch.equal(compute(states), other(states)) and unscale == 1.0


def test_layers_that_are_exchanged_compute_from_the_next_step_on(tmp_path: Path) -> None:
    driven = Driven(in_bfloat16("llama-even", tmp_path).folder)
    model: Any = driven.backend._live.loaded.model
    decoder: Any = driven.backend._live.core.runner.plain_decoder
    assert isinstance(decoder, LeanDecoder) and decoder.joint
    for kind in ("int8", "model", "nf4", "model"):
        driven.set(weights=kind)
        assert _agrees(model, decoder)
        assert bool(decoder.joint) == isinstance(model.base_model.layers[0].self_attn.q_proj, PackedLinear)
    fresh = nn.Linear(32, 32, bias=False)
    model.base_model.layers[0].self_attn.q_proj = fresh
    assert not _agrees(model, decoder)
    driven.backend._live.core.runner.refresh_layers()
    assert _agrees(model, decoder)
