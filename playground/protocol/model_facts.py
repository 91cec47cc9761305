"""Facts of a loaded model."""

from __future__ import annotations

import msgspec


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of the loaded model; bytes and counts are read from the tensors, not from the name. `embedding_parameters`
    are only looked up, never multiplied (0 where the output layer shares them); `output_parameters` are multiplied once
    per row and step, not once per token; `device_uuid` identifies the GPU to NVML, since the number in `device` is
    CUDA's own; empty without a GPU. Over all layers, which may differ: `query_width` and `key_width`, numbers of one
    token's queries and keys, and `value_heads`, heads of its values; 0 where unknown. `threads`: CPU threads of a
    forward."""

    name: str
    path: str
    architecture: str
    parameters: int
    weights_bytes: int
    dtype: str
    device: str
    layers: int
    vocabulary: int
    context: int
    kv_bytes_per_token: int
    device_uuid: str = ""
    query_width: int = 0
    key_width: int = 0
    value_heads: int = 0
    embedding_parameters: int = 0
    output_parameters: int = 0
    has_chat_template: bool = False
    note: str = ""
    load_seconds: dict[str, float] = {}
    threads: int = 0
