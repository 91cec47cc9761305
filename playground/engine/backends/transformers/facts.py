"""Facts of a loaded model, from its tensors and its config."""

from __future__ import annotations

import torch

from playground.engine.backends.transformers.live import LiveEngine
from playground.engine.checkpoint.heads import heads_by_layer
from playground.engine.device import uuid_of
from playground.protocol.model_facts import ModelFacts


def facts(live: LiveEngine) -> ModelFacts:
    """What is known of the loaded model; weights are counted in the form in which they compute now."""
    loaded = live.loaded
    config = loaded.model.config.get_text_config()
    embedding = loaded.model.get_input_embeddings().get_parameter("weight")
    output = loaded.model.get_output_embeddings()
    shared = output is None or embedding is output.weight
    return ModelFacts(
        name=loaded.checkpoint.name,
        path=str(loaded.checkpoint.path),
        architecture=type(loaded.model).__name__,
        parameters=sum(parameter.numel() for parameter in loaded.model.parameters()),
        weights_bytes=live.weight_bytes,
        dtype=str(loaded.model.dtype).removeprefix("torch."),
        device=str(loaded.device),
        device_uuid=uuid_of(loaded.device),
        layers=live.kv_shape.layers,
        vocabulary=config.vocab_size,
        context=loaded.context,
        kv_bytes_per_token=live.kv_shape.token_bytes,
        query_width=sum(each.query_width for each in heads_by_layer(config)),
        key_width=live.kv_shape.keys,
        value_heads=live.kv_shape.heads,
        embedding_parameters=0 if shared else embedding.numel(),
        output_parameters=embedding.numel() if shared else output.weight.numel(),
        has_chat_template=loaded.tokenizer.has_chat_template,
        note="; ".join(filter(None, (str(loaded.checkpoint.config.get("note", "")), loaded.note))),
        load_seconds=loaded.seconds,
        threads=torch.get_num_threads(),
    )
