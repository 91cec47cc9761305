"""Facts of tiny-coder, as an engine would tell them."""

from __future__ import annotations

from playground.protocol.model_facts import ModelFacts

TINY_CODER = ModelFacts(
    name="tiny-coder",
    path="/models/tiny-coder",
    architecture="LlamaForCausalLM",
    parameters=3_670_000,
    weights_bytes=7 << 20,
    dtype="bfloat16",
    device="cpu",
    layers=6,
    vocabulary=2048,
    context=8192,
    kv_bytes_per_token=2048,
    query_width=1024,
    key_width=512,
    value_heads=8,
    has_chat_template=True,
)
