"""Only layers that nobody but their own forward reads are quantized, and what stays as it is is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from playground.engine.backends.base import EngineError
from playground.protocol.capabilities import ValueSupport
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.zoo.zoo import SIZES, byte_tokenizer, save, sharpened

ROUTED: dict[str, tuple[str, dict[str, Any], str]] = {
    # Its router is a linear layer that returns more than a product.
    "phimoe": ("PhimoeConfig", {"num_local_experts": 4, "sliding_window": None}, "mlp.router"),
    # Its router multiplies the weight of a linear layer that it never calls.
    "longcat": (
        "LongcatFlashConfig",
        {
            "num_layers": 1,
            "num_key_value_heads": 4,
            "ffn_hidden_size": 48,
            "expert_ffn_hidden_size": 24,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8,
            "v_head_dim": 8,
            "head_dim": 8,
            "moe_topk": 2,
            "n_routed_experts": 4,
            "zero_expert_num": 2,
        },
        "mlp.router.classifier",
    ),
}


@pytest.mark.parametrize("name", ROUTED)
def test_a_router_stays_as_it_is(tmp_path: Path, name: str) -> None:
    kind, changes, router = ROUTED[name]
    config = getattr(transformers, kind)(**(SIZES | changes))
    save(sharpened(AutoModelForCausalLM.from_config(config, dtype=torch.float32)), tmp_path)
    driven = Driven(tmp_path)
    model = driven.backend._engine.loaded.model
    stays = model.get_submodule(f"model.layers.0.{router}")
    before = driven.run(ask([[5, 6, 7]], ignore_eos=True))
    assert driven.set(weights="int8").effective["weights"] == "int8"
    assert model.get_submodule(f"model.layers.0.{router}") is stays
    assert len(driven.run(ask([[5, 6, 7]], name="int8", ignore_eos=True))[0]) == 16
    driven.set(weights="model")
    assert driven.run(ask([[5, 6, 7]], name="back", ignore_eos=True)) == before


def test_fused_experts_are_told(member: Member) -> None:
    driven = Driven(member("mixtral").folder)
    assert "weights" not in driven.set(kv_cache="model").reasons
    said = driven.set(weights="int8").reasons["weights"]
    assert said == "14% of the layers' weights: MixtralExperts stays as it is"
    assert "weights" not in driven.set(weights="model").reasons
    assert "weights" not in Driven(member("llama").folder, weights="int8").set(weights="int8").reasons


def test_every_layer_of_a_falcon_is_exchanged(member: Member) -> None:
    assert "weights" not in Driven(member("falcon-alibi").folder).set(weights="int8").reasons


def test_quantized_weights_are_not_quantized_again(member: Member, tmp_path: Path) -> None:
    chosen = BitsAndBytesConfig(load_in_8bit=True)
    folder = member("llama").folder
    AutoModelForCausalLM.from_pretrained(folder, quantization_config=chosen, device_map="cpu").save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    driven = Driven(tmp_path)
    before = driven.run(ask([[5, 6, 7]], ignore_eos=True))
    for kind in ("int8", "nf4"):
        said = f"weights={kind} is not possible: the checkpoint's weights are quantized already"
        with pytest.raises(EngineError, match=said):
            driven.set(weights=kind)
        with pytest.raises(EngineError, match=said):
            Driven(tmp_path, weights=kind)
    offered: list[ValueSupport] = next(
        each.values for each in driven.backend.capabilities().toggles if each.name == "weights"
    )
    assert [each.value for each in offered if each.possible] == ["model"]
    assert driven.run(ask([[5, 6, 7]], name="after", ignore_eos=True)) == before
