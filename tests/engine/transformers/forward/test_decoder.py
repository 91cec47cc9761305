"""The short way through the layers is taken where it is the same computation, and nowhere else."""

from __future__ import annotations

from transformers import AutoModelForCausalLM, PreTrainedModel

from playground.engine.backends.transformers.forward.decoder import find_decoder
from tests.engine.transformers.conftest import Member


def test_models_of_the_common_shape_are_driven_by_their_layers(member: Member) -> None:
    for name in ("llama", "qwen3-moe", "deepseek-v3"):
        assert find_decoder(model(member, name)) is not None, name


def test_what_differs_keeps_its_own_forward(member: Member) -> None:
    for name in ("mistral-sliding", "gemma2", "granite", "gpt2"):
        assert find_decoder(model(member, name)) is None, name


def test_a_model_that_scales_its_logits_is_found_out_by_trying(member: Member) -> None:
    changed = model(member, "cohere")
    assert find_decoder(changed) is not None
    changed.logit_scale = 0.5
    assert find_decoder(changed) is None


def model(member: Member, name: str) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(member(name).folder).eval()
