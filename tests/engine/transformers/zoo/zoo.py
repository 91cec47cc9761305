"""Tiny random checkpoints of many architectures, made on the fly: small enough to run in milliseconds, sharp enough
that greedy tokens vary and are not near ties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

VOCABULARY = 264
END = 256
WINDOW = 24
CONTEXT = 512
STD, VECTOR_SHARE = 0.35, 0.3

SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "bos_token_id": None,
    "eos_token_id": END,
    "pad_token_id": None,
    "tie_word_embeddings": False,
}
ALTERNATING = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": WINDOW}
# The last two of four layers use the keys and values of the first two.
SHARED_KV = {
    "num_hidden_layers": 4,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "sliding_window": WINDOW,
    "num_kv_shared_layers": 2,
    "head_dim": 16,
    "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": VOCABULARY,
}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}

# Name -> (config class of transformers, what differs from SIZES). None takes a size away that the class has not.
ZOO: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", {}),
    # Sizes that vectors of any CPU divide, as real models have: PyTorch computes what is left over to other last bits.
    "llama-even": ("LlamaConfig", {"intermediate_size": 64}),
    "llama-64": (
        "LlamaConfig",
        {"hidden_size": 64, "head_dim": 64, "num_attention_heads": 2, "num_key_value_heads": 1},
    ),
    "mistral": ("MistralConfig", {"sliding_window": None}),
    "mistral-sliding": ("MistralConfig", {"sliding_window": WINDOW}),
    "qwen2": ("Qwen2Config", {}),
    "qwen3": ("Qwen3Config", {"head_dim": 16}),
    "qwen3-moe": ("Qwen3MoeConfig", {"head_dim": 16, "decoder_sparse_step": 1, **EXPERTS}),
    "mixtral": ("MixtralConfig", {"num_local_experts": 4, "sliding_window": None}),
    "gemma2": (
        "Gemma2Config",
        {"head_dim": 16, "query_pre_attn_scalar": 16, "attn_logit_softcapping": 5.0, **ALTERNATING},
    ),
    "gemma3": ("Gemma3TextConfig", {"head_dim": 16, "query_pre_attn_scalar": 16, **ALTERNATING}),
    "gemma3n": ("Gemma3nTextConfig", SHARED_KV | {"laurel_rank": 8, "activation_sparsity_pattern": [0.9, 0.0] * 2}),
    "gemma4": ("Gemma4TextConfig", SHARED_KV),
    "phi3": ("Phi3Config", {"sliding_window": None}),
    "gpt2": ("GPT2Config", GPT2),
    "gpt-neox": ("GPTNeoXConfig", {}),
    "gptj": ("GPTJConfig", {**GPT2, "rotary_dim": 8}),
    "falcon-rotary": ("FalconConfig", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon-alibi": ("FalconConfig", {"alibi": True, "multi_query": True, "parallel_attn": False}),
    "opt": ("OPTConfig", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "bloom": ("BloomConfig", {"n_layer": 2, "n_head": 4}),
    "olmo2": ("Olmo2Config", {}),
    "starcoder2": ("Starcoder2Config", {"sliding_window": WINDOW}),
    "granite": ("GraniteConfig", {"attention_multiplier": 0.3, "logits_scaling": 2.0, "residual_multiplier": 0.5}),
    "granite4-dense": (
        "GraniteMoeHybridConfig",
        {
            "layer_types": ["full_attention"] * 2,
            "num_local_experts": 0,
            "shared_intermediate_size": 48,
            "mamba_n_heads": 4,
        },
    ),
    "cohere": ("CohereConfig", {"logit_scale": 1.0}),
    "stablelm": ("StableLmConfig", {}),
    # Its layers differ in the number of heads of queries.
    "laguna": (
        "LagunaConfig",
        {
            "head_dim": 16,
            "num_attention_heads_per_layer": [4, 2],
            "mlp_layer_types": ["dense", "sparse"],
            "shared_expert_intermediate_size": 24,
            **EXPERTS,
            **ALTERNATING,
        },
    ),
    "gpt-oss": ("GptOssConfig", {"head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, **ALTERNATING}),
    "deepseek-v3": (
        "DeepseekV3Config",
        {
            "num_key_value_heads": 4,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8,
            "v_head_dim": 12,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 2,
            "topk_group": 1,
            "moe_intermediate_size": 24,
            "first_k_dense_replace": 1,
        },
    ),
}


def make(name: str, folder: Path) -> Path:
    """Write the checkpoint of a zoo member, tokenizer included; returns its folder."""
    kind, changes = ZOO[name]
    config = getattr(transformers, kind)(**(SIZES | changes))
    model = sharpened(AutoModelForCausalLM.from_config(config, dtype=torch.float32))
    save(model, folder)
    return folder


def save(model: PreTrainedModel, folder: Path) -> None:
    """Weights, config and a byte-level tokenizer."""
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)


@torch.no_grad()
def sharpened(model: PreTrainedModel, seed: int = 0) -> PreTrainedModel:
    """Every parameter random and large: matrices of deviation `STD`, biases and norm gains shaken too."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator) * STD
        parameter.copy_(noise if parameter.ndim > 1 else parameter + noise * VECTOR_SHARE)
    return model.eval()


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte, then `<|end|>` and as many unused ones as fill the vocabulary."""
    alphabet = bytes_to_unicode()
    tokenizer = Tokenizer(models.BPE(vocab={alphabet[byte]: byte for byte in range(256)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    unused = [f"<|unused-{number}|>" for number in range(END + 1, VOCABULARY)]
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.add_special_tokens({"additional_special_tokens": unused})
    return fast
