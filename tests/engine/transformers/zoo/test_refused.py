"""Models for which paged keys and values would be wrong are refused at load, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from playground.engine.backends.base import EngineError
from tests.engine.transformers.driven import Driven
from tests.engine.transformers.zoo.zoo import CONTEXT, SIZES, VOCABULARY, make, save, sharpened

ENCODER_DECODER = {"d_model": 32, "vocab_size": VOCABULARY, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
BART = {"d_model": 32, "vocab_size": VOCABULARY, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 48}
STATE_SPACE = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}
HYBRID = SIZES | {"layer_types": ["linear_attention", "full_attention"], "head_dim": 16, "num_experts": 4}
EXPERTS = {"moe_intermediate_size": 24, "shared_expert_intermediate_size": 24, "num_experts_per_tok": 2}
BOTH_DIRECTIONS = SIZES | {"pad_token_id": 0}
PICTURES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}

REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "mamba": ("MambaConfig", STATE_SPACE, "linear_attention layers, whose state is not keys and values"),
    "jamba": (
        "JambaConfig",
        SIZES | {"mamba_d_state": 4, "mamba_dt_rank": 4, "attn_layer_period": 2, "attn_layer_offset": 1},
        "whose state is not keys and values",
    ),
    "qwen3-next": ("Qwen3NextConfig", HYBRID | EXPERTS, "linear_attention layers"),
    "recurrent-gemma": ("RecurrentGemmaConfig", SIZES | {"lru_width": 32}, "keeps a state that is not keys and values"),
    "rwkv": ("RwkvConfig", {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2}, "keeps a state"),
    "gpt": (
        "OpenAIGPTConfig",
        {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT},
        "keeps no keys and values",
    ),
    "llama4": (
        "Llama4TextConfig",
        SIZES | {"attention_chunk_size": 16, "intermediate_size_mlp": 48, "head_dim": 8, "num_local_experts": 2},
        "chunked attention",
    ),
    "bert": ("BertConfig", BOTH_DIRECTIONS, "reads in both directions"),
    "trocr": (
        "TrOCRConfig",
        {"d_model": 32, "vocab_size": VOCABULARY, "decoder_layers": 1, "is_decoder": True},
        "takes no positions",
    ),
    "gpt-neox-japanese": (
        "GPTNeoXJapaneseConfig",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
        "one fixed memory layout",
    ),
    "git": ("GitConfig", SIZES | {"pad_token_id": 0, "vision_config": PICTURES}, "shifts every mask over a cache"),
    "t5": ("T5Config", ENCODER_DECODER, "is an encoder-decoder model"),
    "bart": ("BartConfig", BART, "is an encoder-decoder model"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused(tmp_path: Path, name: str) -> None:
    kind, changes, reason = REFUSED[name]
    config = getattr(transformers, kind)(**changes)
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    save(sharpened(auto.from_config(config)), tmp_path)
    with pytest.raises(EngineError) as refusal:
        Driven(tmp_path)
    assert reason in refusal.value.message
    assert refusal.value.advice


def test_what_takes_pictures_too_is_called_so(tmp_path: Path) -> None:
    make("llama", tmp_path)
    transformers.LlavaConfig().save_pretrained(tmp_path)
    with pytest.raises(EngineError, match="takes pictures or sound too"):
        Driven(tmp_path)


@pytest.mark.parametrize("value", ["sdpa-math", "sdpa-flash"])
def test_capped_scores_refuse_sdpa(tmp_path: Path, value: str) -> None:
    folder = make("gemma2", tmp_path / "gemma2")
    with pytest.raises(EngineError, match="caps its attention scores, which sdpa would silently leave out"):
        Driven(folder, attention=value)
    assert Driven(folder).backend.capabilities().toggles
