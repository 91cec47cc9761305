"""The shape of tiny-coder and how it is stored."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from playground.models.make_tiny_coder.tokenizer import CONTEXT, VOCABULARY


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A fresh Llama of 3.7 M parameters in float32: 4 layers, 4 heads of 64 over 2 KV heads, tied embeddings."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 50_000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def export(weights: dict[str, torch.Tensor], tokenizer: PreTrainedTokenizerFast, target: Path) -> None:
    """Write weights (bfloat16), configuration and tokenizer as a directory that AutoModelForCausalLM loads."""
    model = build_model(tokenizer)
    model.load_state_dict(weights)
    model.bfloat16()
    model.config.dtype = torch.bfloat16
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
